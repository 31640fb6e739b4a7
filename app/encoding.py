"""JSON as it is stored and sent: without a space, and every letter as it is."""

import json

dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
