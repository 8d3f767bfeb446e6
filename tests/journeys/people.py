"""What people do in a browser, in their words."""

import re

from playwright.sync_api import Browser, BrowserContext, Page, expect

from followup.messages.models import LocalDelivery
from followup.people.models import Patient, User
from tests.factories import PASSWORD
from tests.house import until

PHONE = {"viewport": {"width": 390, "height": 844}, "locale": "en-GB", "has_touch": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB"}


class Visitor:
    """Somebody at a screen of their own. Every page they come to is looked at for what bars people (axe)."""

    def __init__(self, browser: Browser, url: str, look, *, javascript: bool = True, **screen):
        self.context: BrowserContext = browser.new_context(base_url=url, java_script_enabled=javascript, **screen)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._hears)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self._look = look if javascript else lambda page: None

    def _hears(self, said) -> None:
        """What the browser complains of; that a session has ended (401) or an answer was wrong (422) is no fault of the page."""
        if said.type == "error" and not re.search(r"status of (401|422)", said.text):
            self.complaints.append(said.text)

    def goes_to(self, path: str) -> None:
        self.page.goto(path)
        self._look(self.page)

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self._look(self.page)

    def follows(self, name: str) -> None:
        self.page.get_by_role("link", name=re.compile(f"^{name}")).first.click()
        self._look(self.page)

    def sees(self, words: str | re.Pattern) -> None:
        expect(self.page.locator("main")).to_contain_text(words, timeout=20_000)

    def does_not_see(self, words: str) -> None:
        expect(self.page.locator("main")).not_to_contain_text(words)

    def is_asked(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(re.compile(heading))

    def leaves(self) -> None:
        assert not self.complaints, self.complaints
        self.context.close()


class AtHome(Visitor):
    """A patient at their phone."""

    def signs_in(self, patient: Patient) -> None:
        self.goes_to("/sign-in/")
        self.page.get_by_label("What is your mobile number").fill(patient.phone)
        self.presses("Continue")
        for part, value in (
            ("Day", patient.born_on.day),
            ("Month", patient.born_on.month),
            ("Year", patient.born_on.year),
        ):
            self.page.get_by_label(part, exact=True).fill(str(value))
        known = set(_codes(patient))
        self.presses("Continue")
        code = until(lambda: [code for code in _codes(patient) if code not in known], within=30, what="a code")[0]
        self.page.get_by_label("Enter your code").fill(code)
        self.presses("Continue")
        self.page.wait_for_url("**/home/")

    def chooses(self, *answers: str) -> None:
        for answer in answers:
            self.page.get_by_label(answer, exact=True).check()

    def feels_worse(self, words: str) -> None:
        """Through every question up to the page that shows what will be sent."""
        self.goes_to("/home/")
        self.follows("I feel worse")
        self.is_asked("Do you have any of these now")
        self.chooses("None of these")
        self.presses("Continue")
        self.chooses("I feel worse")
        self.presses("Continue")
        self.page.locator("textarea").fill(words)
        self.chooses("For 2 or 3 days")
        self.presses("Continue")
        self.is_asked("How do we reach you")
        self.presses("Continue")
        self.is_asked("Check what you send")
        self.sees(words)


class AtTheClinic(Visitor):
    """Somebody of the staff at their desk."""

    def signs_in(self, user: User) -> None:
        self.goes_to("/staff/")
        self.page.get_by_label("User name").fill(user.username)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.presses("Sign in")


def _codes(patient: Patient) -> list[str]:
    """The codes that were sent to a patient, newest first, as their telephone would show them."""
    sent = LocalDelivery.objects.filter(message__patient=patient, message__template="code").order_by("-at")
    return [re.search(r"#(\d{6})", each.body).group(1) for each in sent]
