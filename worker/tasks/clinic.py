from followup.clinic import services as clinic
from worker.app import app


@app.task(name="clinic.lay_out")
def lay_out(**_):
    clinic.lay_out_everywhere()
