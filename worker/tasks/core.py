from followup.core import journal, outbox
from worker.app import app


@app.task(name="outbox.work")
def work(*, ids, **_):
    outbox.handle(ids, turn=outbox.A_TURN)


@app.task(name="core.seal_journal")
def seal_journal(**_):
    journal.seal()
