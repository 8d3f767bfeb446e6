from followup.messages import services as messages
from worker.app import app


@app.task(name="messages.deliver")
def deliver(*, ids, **_):
    for message_id in ids:
        messages.deliver(message_id)
