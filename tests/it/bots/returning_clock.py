import json, random, socket, sys, time, uuid

where = sys.argv[1], int(sys.argv[2])
hello = {"protocol": 1, "name": "clock"}  # from the first welcome on: session, epoch, after
me = set()         # my ids: more than one, if I had to join as a new member
unconfirmed = {}   # my messages, by id, in order
failures = 0

def converse(room):
    """Talks until the connection ends. Returns the seconds to wait before coming back, or None."""
    global failures
    end = None     # of the history: once I have it, I may talk
    talking = False
    def send(frame):
        room.sendall(json.dumps(frame).encode() + b"\n")
    def say(id):
        send({"say": {"id": id, "text": unconfirmed[id]}})
    send({"hello": hello})
    for line in room.makefile("rb"):
        if not line.startswith(b"{"):
            continue
        for name, it in json.loads(line).items():
            if name == "welcome":
                failures, end = 0, it["next"]
                if it["epoch"] != hello.get("epoch"):  # the first one, or another log
                    me.clear()
                    unconfirmed.clear()
                    hello["after"] = end - 1
                me.add(it["you"]["id"])
                hello.update(session=it["session"], epoch=it["epoch"])
            elif name == "message" and it["seq"] > hello["after"]:
                hello["after"] = it["seq"]
                if it["from"]["id"] in me:
                    unconfirmed.pop(it.get("id"), None)
                elif it["text"].strip() == "!time":
                    id = uuid.uuid4().hex
                    unconfirmed[id] = f"{it['from']['name']}, it is {time.ctime()}"
                    if talking:
                        say(id)
            elif name == "gap":
                hello["after"] = max(hello["after"], it["to"])
            elif name == "said":
                unconfirmed.pop(it["id"], None)
            elif name == "error" and it["code"] == "too-fast":
                time.sleep(it["retry_ms"] / 1000)
                say(it["id"])
            elif name == "error" and it["fatal"]:
                return 1 if it["code"] in ("room-full", "too-many-connections") else None
            elif name == "error":
                unconfirmed.pop(it.get("id"), None)
            elif name == "ping":
                send({"pong": {}})
            elif name == "closed":
                print(it["text"])
                stopping = it["code"] in ("service-stopping", "store-failed")
                return it["retry_ms"] / 1000 if stopping else None
        if end is not None and not talking and hello["after"] >= end - 1:
            talking = True
            for id in unconfirmed:
                say(id)
    return 0

while True:
    wait = 0
    try:
        with socket.create_connection(where, timeout=60) as room:
            wait = converse(room)
    except OSError as error:
        print(error, file=sys.stderr)
    if wait is None:
        break
    pause = min(30, 2 ** failures / 2) * random.uniform(0.5, 1.5) if failures else 0
    failures += 1
    time.sleep(max(wait, pause))
