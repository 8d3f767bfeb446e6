from followup.contacts import services as contacts
from worker.app import app


@app.task(name="contacts.check_steps")
def check_steps(**_):
    contacts.check_steps()


@app.task(name="contacts.forget_drafts")
def forget_drafts(**_):
    contacts.forget_drafts()
