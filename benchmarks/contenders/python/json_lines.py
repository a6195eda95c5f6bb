"""What python-shell starts: reads calls as lines of JSON and writes an answer for each."""

import json
import sys

for line in sys.stdin:
    call = json.loads(line)
    print(json.dumps({"id": call["id"], "result": call["a"] + call["b"]}), flush=True)
