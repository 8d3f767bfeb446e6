"""Sign-in of patients: an address, a date of birth, a code. Nothing here tells whether somebody exists."""
