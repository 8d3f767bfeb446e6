"""Which column is which: the headings that clinics use, in Swedish and English."""

import re
import unicodedata

SYNONYMS: dict[str, tuple[str, ...]] = {
    "number": ("patientnr", "patientnummer", "patientid", "patientnumber", "patientno", "number", "mrn", "id"),
    "personal_number": ("personnummer", "personnr", "pnr", "personalnumber", "nationalid", "ssn"),
    "given_name": ("fornamn", "tilltalsnamn", "givenname", "firstname", "forename"),
    "family_name": ("efternamn", "familyname", "lastname", "surname"),
    "born_on": ("fodelsedatum", "fodd", "dateofbirth", "birthdate", "dob", "born"),
    "sex": ("kon", "sex", "gender"),
    "phone": ("mobil", "mobilnr", "mobilnummer", "mobiltelefon", "telefon", "telefonnr", "telefonnummer")
    + ("mobile", "mobilephone", "mobilenumber", "phone", "phonenumber", "telephone", "tel"),
    "email": ("epost", "epostadress", "mejl", "email", "emailaddress", "mail"),
    "language": ("sprak", "modersmal", "language", "spokenlanguage"),
    "diagnosis": ("diagnos", "diagnoskod", "huvuddiagnos", "diagnosis", "diagnosiscode", "icd10"),
    "diagnosed_on": ("diagnosdatum", "diagnosisdate", "diagnosedon", "dateofdiagnosis"),
    "medicines": ("lakemedel", "mediciner", "medicin", "medicines", "medication", "medications"),
    "last_contact_on": ("senastekontakt", "senastbesok", "lastcontact", "lastseen", "lastvisit"),
    "wishes_visits": ("onskarlakarbesok", "villtraffalakare", "wishesvisits", "wantsvisits", "prefersvisits"),
    "support": ("stod", "behoverstod", "stodbehov", "support", "needssupport", "supportneeds"),
}
"""Each field with its headings as `plain` leaves them; the first is the one we name."""

REQUIRED = ("number", "given_name", "family_name", "born_on", "diagnosis")

_FIELDS = {heading: field for field, headings in SYNONYMS.items() for heading in headings}


def field_of(heading: str) -> str:
    """The field that a column holds, by its heading; "" for one we do not know."""
    return _FIELDS.get(plain(heading), "")


def plain(heading: str) -> str:
    """A heading without case, accents, spaces and signs: `Önskar läkarbesök` and `onskar_lakarbesok` are one."""
    letters = unicodedata.normalize("NFKD", heading.casefold())
    return re.sub(r"[^a-z0-9]", "", letters)
