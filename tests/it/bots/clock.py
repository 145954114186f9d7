import json, socket, sys, time

host, port = sys.argv[1], int(sys.argv[2])
room = socket.create_connection((host, port))
def send(frame): room.sendall(json.dumps(frame).encode() + b"\n")

send({"hello": {"protocol": 1, "name": "clock"}})
me = since = None
for line in room.makefile("rb"):
    if not line.startswith(b"{"):
        continue
    for name, it in json.loads(line).items():
        if name == "welcome":
            me, since = it["you"]["id"], it["next"]
        elif name == "ping":
            send({"pong": {}})
        elif name == "message" and it["seq"] >= since and it["from"]["id"] != me:
            if it["text"].strip() == "!time":
                send({"say": {"text": f"{it['from']['name']}, it is {time.ctime()}"}})
        elif name == "closed":
            print(it["text"])
