from followup.people.signin import places
from followup.people.signin import services as signin
from worker.app import app


@app.task(name="signin.forget_old")
def forget_old(**_):
    signin.forget_old()
    places.forget_ended()
