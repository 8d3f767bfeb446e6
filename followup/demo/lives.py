"""Forty people who do not exist, with lives one can believe. Numbers are from ranges that are kept for drama, mail goes to example.org.

Sweden 070-174 06 05 to 06 99 and 08-465 004 00 to 99 (the telecom authority PTS), United Kingdom 07700 900000 to 900999 (Ofcom).
"""

from dataclasses import dataclass
from datetime import date

WELL, VISITS = "annual_phone", "traditional"


@dataclass(frozen=True)
class Life:
    """`since`: year of diagnosis. `reach`: `both`, `sms`, `email`, `phone_only` (no message reaches them) or `none`."""

    given: str
    family: str
    born: str
    language: str
    diagnosis: str
    since: int
    group: str
    why: str
    medicines: tuple[str, ...] = ()
    reach: str = "both"
    speaks: str = ""
    good_to_know: str = ""
    voicemail: bool = False
    abroad: bool = False  # with a British number

    @property
    def born_on(self) -> date:
        return date.fromisoformat(self.born)


MESALAZINE = "Mesalazin 2,4 g, 1 gång per dag"
MESALAZINE_EN = "Mesalazine 2.4 g, once a day"
AZATHIOPRINE = "Azatioprin 150 mg, 1 gång per dag"
AZATHIOPRINE_EN = "Azathioprine 150 mg, once a day"
ENEMA = "Mesalazin rektalskum, vid behov"
ENEMA_EN = "Mesalazine foam, when needed"
VEDOLIZUMAB = "Vedolizumab 300 mg, dropp var 8:e vecka"
VEDOLIZUMAB_EN = "Vedolizumab 300 mg, infusion every 8 weeks"
ADALIMUMAB = "Adalimumab 40 mg, spruta varannan vecka"
ADALIMUMAB_EN = "Adalimumab 40 mg, injection every other week"
METHOTREXATE = "Metotrexat 15 mg, 1 gång i veckan"
FOLIC = "Folsyra 5 mg, dagen efter metotrexat"
BUDESONIDE = "Budesonid 9 mg, trappas ned"
B12 = "Vitamin B12 1 mg, 1 gång per dag"

LIVES: tuple[Life, ...] = (
    Life(
        "Anna",
        "Berg",
        "1971-05-03",
        "en",
        "uc",
        2009,
        WELL,
        "Well for four years, and a call suits her work better than a visit.",
        (MESALAZINE_EN, ENEMA_EN),
        voicemail=True,
    ),
    Life(
        "Erik",
        "Lindqvist",
        "1958-11-17",
        "sv",
        "cd",
        1987,
        VISITS,
        "Vill träffa sin läkare. Opererad två gånger.",
        (AZATHIOPRINE, B12),
        good_to_know="Hörapparat: tala tydligt, vänta ut svaret.",
    ),
    Life(
        "Maja",
        "Öberg",
        "2001-02-26",
        "sv",
        "uc",
        2019,
        WELL,
        "Mår bra sedan två år. Vill helst bli uppringd efter skolan.",
        (MESALAZINE,),
    ),
    Life(
        "James",
        "Whitfield",
        "1984-08-09",
        "en",
        "cd",
        2011,
        VISITS,
        "On infusions, so blood tests and visits go together.",
        (VEDOLIZUMAB_EN,),
        abroad=True,
    ),
    Life(
        "Ingrid",
        "Sjöström",
        "1942-03-30",
        "sv",
        "uc",
        1979,
        WELL,
        "Lugn sjukdom i många år. Vill slippa resan.",
        (MESALAZINE,),
        "phone_only",
        good_to_know="Fast telefon. Går långsamt till luren: låt det ringa.",
    ),
    Life(
        "Ahmed",
        "Hassan",
        "1979-07-12",
        "sv",
        "cd",
        2015,
        VISITS,
        "Tolk behövs, och ett möte blir tydligare än ett samtal.",
        (ADALIMUMAB,),
        speaks="ar",
    ),
    Life(
        "Sofia",
        "Nyman",
        "1993-12-04",
        "sv",
        "uc",
        2016,
        WELL,
        "Mår bra på samma dos sedan 2022.",
        (MESALAZINE, ENEMA),
        voicemail=True,
    ),
    Life("Lars", "Holm", "1965-09-21", "sv", "cd", 1994, WELL, "Stabil sedan operationen 2014.", (B12,), "sms"),
    Life(
        "Priya",
        "Nair",
        "1988-01-15",
        "en",
        "uc",
        2014,
        WELL,
        "Well for two years. Travels for work and wants calls.",
        (MESALAZINE_EN,),
        "email",
    ),
    Life(
        "Gunnar",
        "Ek",
        "1942-10-08",
        "sv",
        "uc",
        1972,
        VISITS,
        "Vill komma på besök. Kontroll av tarmen vartannat år.",
        (MESALAZINE,),
        "none",
        good_to_know="Har ingen telefon. Brev, eller granne Stig Ek.",
    ),
    Life(
        "Fatima",
        "Warsame",
        "1990-04-19",
        "sv",
        "uc",
        2018,
        WELL,
        "Mår bra. Samtal med tolk en gång om året.",
        (MESALAZINE,),
        speaks="so",
    ),
    Life("Oskar", "Lund", "2003-06-11", "sv", "cd", 2020, VISITS, "Ny medicin sedan i våras.", (ADALIMUMAB,)),
    Life(
        "Margaret",
        "Doyle",
        "1949-02-02",
        "en",
        "uc",
        1998,
        WELL,
        "Well for nine years. Prefers the telephone to the bus.",
        (MESALAZINE_EN,),
        good_to_know="Hearing aid: speak slowly, not loudly.",
    ),
    Life(
        "Nils",
        "Åkesson",
        "1976-08-28",
        "sv",
        "cd",
        2003,
        WELL,
        "Stabil på azatioprin i sex år. Prover var tredje månad.",
        (AZATHIOPRINE,),
    ),
    Life(
        "Elsa",
        "Granqvist",
        "1998-05-23",
        "sv",
        "ibdu",
        2021,
        VISITS,
        "Diagnosen är inte klar än.",
        (MESALAZINE, BUDESONIDE),
    ),
    Life(
        "Daniel",
        "Okafor",
        "1995-09-14",
        "en",
        "cd",
        2017,
        WELL,
        "Well since 2022, and asked for calls himself.",
        (AZATHIOPRINE_EN,),
        abroad=True,
    ),
    Life(
        "Karin", "Wallin", "1961-01-07", "sv", "uc", 2001, WELL, "Inga skov på fem år.", (MESALAZINE,), voicemail=True
    ),
    Life(
        "Aino",
        "Virtanen",
        "1955-12-19",
        "sv",
        "uc",
        1990,
        WELL,
        "Mår bra. Finsktalande sjuksköterska eller tolk.",
        (MESALAZINE,),
        "sms",
        speaks="fi",
    ),
    Life(
        "Viktor",
        "Sandell",
        "1987-03-05",
        "sv",
        "cd",
        2010,
        VISITS,
        "Återkommande skov det senaste året.",
        (METHOTREXATE, FOLIC),
    ),
    Life(
        "Helen",
        "Carter",
        "1969-06-30",
        "en",
        "uc",
        2005,
        WELL,
        "Well for three years, and knows what to do in a flare-up.",
        (MESALAZINE_EN, ENEMA_EN),
    ),
    Life(
        "Birgitta",
        "Forsberg",
        "1947-09-09",
        "sv",
        "cd",
        1982,
        VISITS,
        "Behöver lugn och tid. Dottern är med på besöken.",
        (B12,),
        "phone_only",
        good_to_know="Dottern Eva är med när vi talas vid.",
    ),
    Life(
        "Tom",
        "Ellis",
        "2006-10-02",
        "en",
        "uc",
        2024,
        VISITS,
        "First two years: visits with his own nurse.",
        (MESALAZINE_EN,),
    ),
    Life(
        "Linnea",
        "Dahl",
        "1991-07-27",
        "sv",
        "cd",
        2013,
        WELL,
        "Stabil. Vill bli uppringd före jobbet.",
        (AZATHIOPRINE,),
    ),
    Life(
        "Mohamed",
        "Ali",
        "1972-11-11",
        "sv",
        "uc",
        2012,
        WELL,
        "Mår bra. Tolk behövs vid samtal.",
        (MESALAZINE,),
        speaks="ar",
        reach="sms",
    ),
    Life(
        "Rebecca",
        "Stone",
        "1982-04-04",
        "en",
        "cd",
        2008,
        VISITS,
        "On a new medicine since the summer.",
        (ADALIMUMAB_EN,),
        voicemail=True,
    ),
    Life("Per", "Hedlund", "1953-05-16", "sv", "uc", 1995, WELL, "Inga besvär sedan 2019.", (MESALAZINE,)),
    Life(
        "Ellen", "Björk", "1999-01-31", "sv", "cd", 2018, VISITS, "Gravid i vecka 20. Tätare kontroller.", (ADALIMUMAB,)
    ),
    Life(
        "George",
        "Hamilton",
        "1944-08-22",
        "en",
        "uc",
        1988,
        WELL,
        "Well for twelve years.",
        (MESALAZINE_EN,),
        abroad=True,
    ),
    Life(
        "Astrid",
        "Nordin",
        "1967-10-26",
        "sv",
        "cd",
        1996,
        WELL,
        "Stabil efter operation. Har stomi.",
        (B12,),
        good_to_know="Har stomi.",
    ),
    Life("Johan", "Persson", "1980-02-14", "sv", "uc", 2007, WELL, "Mår bra på grundmedicin.", (MESALAZINE,)),
    Life(
        "Chloe",
        "Bennett",
        "1996-03-18",
        "en",
        "uc",
        2020,
        WELL,
        "Well for eighteen months. Wants calls in the afternoon.",
        (MESALAZINE_EN,),
    ),
    Life(
        "Bengt",
        "Östlund",
        "1950-07-03",
        "sv",
        "cd",
        1985,
        VISITS,
        "Starka mediciner. Prover och besök var tredje månad.",
        (METHOTREXATE, FOLIC, B12),
    ),
    Life(
        "Moa",
        "Stenberg",
        "2004-12-12",
        "sv",
        "uc",
        2022,
        WELL,
        "Mår bra, och skriver hellre än hon ringer.",
        (MESALAZINE,),
        "email",
    ),
    Life(
        "Stefan",
        "Björklund",
        "1963-04-25",
        "sv",
        "uc",
        2004,
        WELL,
        "Mår bra. Kör lastbil: ring på rasterna.",
        (MESALAZINE,),
        voicemail=True,
    ),
    Life(
        "Laura",
        "Fitzgerald",
        "1978-09-29",
        "en",
        "cd",
        2006,
        VISITS,
        "Wants to see her doctor, and that decides it.",
        (AZATHIOPRINE_EN, B12),
    ),
    Life("Henrik", "Malm", "1985-05-08", "sv", "cd", 2009, WELL, "Stabil i fyra år utan medicin.", ()),
    Life(
        "Siv",
        "Engström",
        "1943-12-24",
        "sv",
        "uc",
        1981,
        WELL,
        "Mår bra. Vill ha samma sjuksköterska om det går.",
        (MESALAZINE,),
    ),
    Life("Peter", "Novak", "1974-01-20", "en", "uc", 2013, WELL, "Well for three years.", (MESALAZINE_EN,), "email"),
    Life("Alva", "Rosén", "2007-03-09", "sv", "cd", 2024, VISITS, "Kom från barnmottagningen i år.", (AZATHIOPRINE,)),
    Life("Ulf", "Carlsson", "1956-06-06", "sv", "uc", 1999, WELL, "Inga skov på sju år.", (MESALAZINE,)),
)


def number_of(place: int, life: Life) -> str:
    """The telephone number of the `place`th person (from 1), as people write it."""
    if life.reach in ("email", "none"):
        return ""
    if life.reach == "phone_only":
        return f"08-465 004 {place:02}"
    return f"+44 7700 9001{place:02}" if life.abroad else f"070-174 06 {place + 4:02}"


@dataclass(frozen=True)
class Story:
    """What somebody wrote, what the nurse noted, what they agreed; in the language of the patient."""

    reason: str
    words: str
    note: str = ""
    agreed: str = ""
    since: str = ""
    medicine: str = ""
    days_left: int | None = None
    red_flags: tuple[str, ...] = ()

    @property
    def answers(self) -> dict:
        given = {"since": self.since, "medicine": self.medicine, "days_left": self.days_left}
        return {"red_flags": list(self.red_flags)} | {
            name: value for name, value in given.items() if value not in ("", None)
        }


FLARES = {
    "sv": (
        Story(
            "flare",
            "Går på toa sju, åtta gånger om dagen sedan i helgen och det gör ont i vänster sida. Lite blod i morse.",
            "7–8 avföringar, spår av blod, ingen feber. Äter och dricker.",
            "Du ökar mesalazin i två veckor och hör av dig om det inte vänder.",
            since="days",
        ),
        Story(
            "flare",
            "Det har börjat igen. Ont i magen efter varje måltid och så trött att jag inte orkar jobba hela dagen.",
            "Ont efter mat, trött, ingen feber, vikten stabil.",
            "Små mål några dagar, fortsätt med medicinen. Vi hörs igen på dagen vi bestämde.",
            since="week",
        ),
        Story(
            "flare",
            "Vaknar tre gånger varje natt och måste springa. Slem och lite blod. Känner igen det från förra skovet.",
            "Nattliga avföringar ×3, slem, lite blod. Läkare bör se.",
            "Du kommer på den tid vi höll åt dig. Lämna gärna prov innan.",
            since="week",
        ),
    ),
    "en": (
        Story(
            "flare",
            "It came back over the weekend: eight times yesterday, cramps on the left, and some blood this morning.",
            "8 stools a day, some blood, no fever. Drinking well.",
            "More mesalazine for two weeks. Ring us if it has not turned by the day we agreed.",
            since="days",
        ),
        Story(
            "flare",
            "I have been getting worse all week. Pain after each meal and I am up twice at night.",
            "Pain after meals, up twice at night, no fever, no weight loss.",
            "Small meals for some days, and go on with your medicine.",
            since="week",
        ),
        Story(
            "flare",
            "Same as last spring. Urgency, mucus, worn out. I would rather not wait until it gets bad.",
            "Urgency and mucus, six stools. Should be seen.",
            "You come at the time we kept for you. Leave a blood test on the way.",
            since="days",
        ),
    ),
}

OTHERS = {
    "sv": (
        Story(
            "prescription",
            "Min medicin tar slut nästa vecka. Kan ni förnya receptet?",
            "Förnyas enligt plan.",
            "Ditt recept är förnyat.",
            medicine="Mesalazin 2,4 g",
            days_left=8,
        ),
        Story(
            "worry",
            "Har haft lite ont och mer gaser än vanligt i några dagar. Vet inte om det är något.",
            "Inga larmtecken. Låter som mat.",
            "Avvakta en vecka. Hör av dig om du får blod, feber eller mer ont.",
            since="days",
        ),
        Story(
            "other",
            "Ska resa till Thailand i januari. Vilka vaccin kan jag ta med min medicin?",
            "Inga levande vaccin. Vaccinmottagning.",
            "Boka på vaccinmottagningen och visa din medicinlista.",
        ),
        Story(
            "appointment",
            "Jag kan inte den tid jag har fått. Finns det någon annan veckan efter?",
            "Ny tid erbjuden.",
            "Du får en ny tid i brev.",
        ),
        Story(
            "worry",
            "Fick stå över en dos när jag var förkyld. Är det farligt?",
            "En missad dos, mår bra.",
            "Ta nästa dos som vanligt.",
        ),
        Story(
            "other",
            "Behöver ett intyg till arbetsgivaren om toalettbesök.",
            "Intyg via läkarsekreterare.",
            "Intyget kommer med posten.",
        ),
    ),
    "en": (
        Story(
            "prescription",
            "I have tablets for about a week. Could you renew the prescription?",
            "Renewed as planned.",
            "Your prescription is renewed.",
            medicine="Mesalazine 2.4 g",
            days_left=7,
        ),
        Story(
            "worry",
            "A bit more pain than usual for a few days, and I am not sure whether it means anything.",
            "No alarm signs. Stress at work.",
            "Wait a week. Get in touch at once if you see blood, get a fever, or it gets worse.",
            since="days",
        ),
        Story(
            "other",
            "I am going abroad for two months in the spring. How do I manage my blood tests?",
            "Test before leaving, letter for the road.",
            "Leave a test the week before you go. We write a letter in English to take along.",
        ),
        Story(
            "appointment",
            "I cannot make the time in my letter. Is there one the week after?",
            "New time offered.",
            "A new time comes by letter.",
        ),
        Story(
            "worry",
            "I missed two doses when I had a cold. Should I take more now?",
            "Two doses missed, well.",
            "Go on as usual, nothing extra.",
        ),
        Story(
            "other",
            "Can I take ibuprofen for my knee?",
            "Advised against; paracetamol.",
            "Take paracetamol instead, and see your health centre about the knee.",
        ),
    ),
}

FEVER = Story(
    "flare",
    "Har 38 grader sedan i natt och springer på toa. Vad ska jag göra?",
    since="today",
    red_flags=("rf_fever",),
)
TABLETS_FOR_TWO_DAYS = Story(
    "prescription",
    "Only two days of tablets left. I am sorry, I should have written sooner.",
    medicine="Mesalazine 2.4 g",
    days_left=2,
)
TOLD_ON_THE_PHONE = Story(
    "worry", "Ringde: har ont i magen och vågar inte äta. Vill att dottern är med när vi ringer.", since="days"
)
MORE = "Glömde skriva: började med en ny p-spruta för tre veckor sedan."
