from followup.messages import services as messages
from worker.app import app


@app.task(name="messages.deliver")
def deliver(*, ids, **_):
    messages.deliver_all(ids)


@app.task(name="messages.deliver_at_once")
def deliver_at_once(*, ids, **_):
    messages.deliver_all(ids)


@app.task(name="messages.send_queued")
def send_queued(*, ids, **_):
    """`ids`: channels."""
    for channel in ids:
        messages.send_queued(channel)
