"""A server that speaks as `llama_steer serve` does, without a model: for tests of the page alone.

What it answers depends on the doses by a rule that a test can foresee: a dose of `terse` above 0 leaves fewer words, one of `happy` adds
an exclamation mark to each sentence. It has the page at /, as the real one, with the same content security policy.
"""
import hashlib
import json
import pathlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BOARD = pathlib.Path(__file__).resolve().parents[4] / "examples/llama_steer/serve/board"
PAGES = {"/": ("index.html", "text/html; charset=utf-8"), "/board.css": ("board.css", "text/css"), "/board.js": ("board.js", "text/javascript")}
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
       "form-action 'none'; frame-ancestors 'none'")
PLAIN = ("Put the pot where it has six hours of light a day. Water it when the upper soil feels dry. Let the water run off. Pinch the tips "
         "every other week. Keep it away from cold glass. Feed it a little in spring.")
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> &amp; <b>bold</b>"


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def digest_of(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class FakeServer:
    """Listens from the start, on a free port; the attributes may be changed while it does."""

    def __init__(self, pause=0.0):
        self.pause = pause                      # seconds between two tokens
        self.key = None
        self.progress = None                    # while it starts
        self.active = "terse@1"
        self.base = "may_be_left"
        self.limits = [-1.0, 2.0]
        self.references = ["formal@1", "happy@1", "terse@1", "terse@2"]
        self.extras = False                     # interference, coordinates, budget
        self.queue_full = False
        self.breaks_off = False                 # or True: an error in the stream; or "at once": without a word
        self.bodies = []                        # of requests for completions, as they came
        self.paths = []
        self.cut_off = 0                        # streams whose reader went away
        handler = type("Handler", (_Handler,), {"of": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def models(self):
        steering = {"active": self.active, "digest": digest_of(self.active) if self.active else "", "request_doses": self.limits, "base": self.base,
                    "presets": [{"reference": each, "name": each.split("@")[0], "digest": digest_of(each), "doses": [0.0, 1.5]} for each in self.references]}
        if self.extras:
            steering["coordinates"] = ["happy", "terse"]
            steering["interference"] = {"names": ["formal", "happy", "terse"], "cosines": [[1, -0.21, 0.34], [-0.21, 1, 0.05], [0.34, 0.05, 1]]}
        return {"object": "list", "data": [{"id": "fake", "object": "model", "created": 0, "owned_by": "steer", "steering": steering}]}

    def newest(self, reference):
        found = [each for each in self.references if reference in (each, each.split("@")[0])]
        if not found:
            raise Refusal(400, f'there is no preset "{reference}"')
        return max(found, key=lambda each: int(each.split("@")[1]))

    def steering(self, asked):
        """What the field `steering` becomes."""
        unknown = set(asked) - {"preset", "doses", "phase", "base", "coordinates"}
        if unknown:
            raise Refusal(400, f'unknown field "steering.{min(unknown)}"; expected preset, doses, phase, base or coordinates')
        if asked.get("coordinates") and not self.extras:
            raise Refusal(400, "no preset watches a direction, so there are no coordinates")
        on_top = asked.get("base", True)
        if not on_top and self.base == "always":
            raise Refusal(403, 'request: it asks to do without the operator\'s preset, which policy "fake" does not allow')
        doses = {self.active: 1.0} if on_top and self.active else {}
        for name, dose in asked.get("doses", {}).items():
            if not self.limits[0] <= dose <= self.limits[1]:
                raise Refusal(403, f'request: it asks for {dose} of {name}; policy "fake" allows {self.limits[0]} to {self.limits[1]}')
            reference = self.newest(name)
            doses[reference] = doses.get(reference, 0.0) + dose
        doses = {name: dose for name, dose in doses.items() if dose != 0.0}
        out = {"preset": self.active if on_top else None, "digest": digest_of(sorted(doses.items())) if doses else "", "doses": doses,
               "phase": asked.get("phase", "all"), "expected": {}, "warnings": []}
        if doses and not any(name.startswith("formal") for name in doses):
            out["expected"] = {name.split("@")[0]: {"nats": 2.1 * dose, "error": 0.3} for name, dose in doses.items()}
        out["warnings"] = [f"{name}: nobody has looked at a dose of {dose}, only from 0 to 1.5" for name, dose in doses.items() if not 0 <= dose <= 1.5]
        if self.extras:
            total = sum(map(abs, doses.values()))
            out["budget"] = {"layer": min(1.0, 0.4 * total), "total": min(1.0, 0.25 * total)}
        return out

    @staticmethod
    def tokens(prompt, steering):
        text = HOSTILE if "hostile" in prompt else PLAIN
        amount = lambda name: sum(dose for each, dose in steering["doses"].items() if each.startswith(name))
        if amount("happy") > 0:
            text = text.replace(".", "!")
        tokens = text.replace(" ", "\0 ").split("\0")
        return tokens[:max(3, round(len(tokens) / (1 + 2 * max(0.0, amount("terse")))))]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: FakeServer

    def log_message(self, *_):
        pass

    def give(self, status, content, kind="application/json", headers=()):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in [("Content-Type", kind), ("Content-Length", str(len(body))), ("X-Content-Type-Options", "nosniff"),
                            ("Referrer-Policy", "no-referrer"), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def guarded(self, act):
        self.of.paths.append(self.path)
        try:
            if self.path not in PAGES and self.path != "/health":
                if self.of.key and self.headers.get("Authorization") != f"Bearer {self.of.key}":
                    raise Refusal(401, "no key, or a wrong one")
                if self.of.progress:
                    raise Refusal(503, f"not ready: {self.of.progress}")
            act()
        except Refusal as problem:
            self.give(problem.status, {"error": {"message": str(problem), "type": "invalid_request_error", "param": None, "code": None}})
        except (BrokenPipeError, ConnectionResetError):
            self.of.cut_off += 1
            self.close_connection = True

    def do_GET(self):
        self.guarded(self.get)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.guarded(lambda: self.complete(json.loads(body)))

    def get(self):
        if self.path in PAGES:
            name, kind = PAGES[self.path]
            self.give(200, (BOARD / name).read_bytes(), kind, [("Content-Security-Policy", CSP)])
        elif self.path == "/health":
            progress = self.of.progress
            self.give(503 if progress else 200, {"status": "starting" if progress else "ok", "progress": progress or ""})
        elif self.path == "/v1/models":
            self.give(200, self.of.models())
        else:
            raise Refusal(404, "there is no such path")

    def complete(self, asked):
        self.of.bodies.append(asked)
        if self.of.queue_full:
            raise Refusal(429, "the queue is full")
        if self.path != "/v1/chat/completions" or asked["model"] != "fake" or not asked["stream"]:
            raise Refusal(400, "the fake server answers streamed chats of its own model")
        steering = self.of.steering(asked["steering"])
        whole = self.of.tokens(asked["messages"][-1]["content"], steering)
        tokens = whole[:asked["max_tokens"]]
        self.send_response(200)
        for name, value in [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"), ("Cache-Control", "no-cache")]:
            self.send_header(name, value)
        self.end_headers()
        self.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}], "usage": None})
        for i, token in enumerate(tokens):
            time.sleep(self.of.pause)
            if self.of.breaks_off == "at once" and i == 3:
                self.close_connection = True
                return
            if self.of.breaks_off and i == 3:
                self.event({"error": {"message": "the answer took too long", "type": "server_error", "param": None, "code": "timeout"}})
                break
            chunk = {"choices": [{"index": 0, "delta": {"content": token}, "finish_reason": None}], "usage": None}
            if asked["steering"].get("coordinates"):
                chunk["steering_coordinates"] = {"terse": ((4 * i) % 21 - 10) / 10, "happy": 1.0 if "!" in token else -0.1}
            self.event(chunk)
        else:
            self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop" if tokens == whole else "length"}], "usage": None})
            self.event({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": len(tokens), "total_tokens": 20 + len(tokens)},
                        "steering": steering})
        self.chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def event(self, content):
        self.chunk(f"data: {json.dumps(content, ensure_ascii=False)}\n\n".encode())

    def chunk(self, data):
        """In two halves, so that lines and characters of several bytes are cut."""
        for part in (data[:len(data) // 2], data[len(data) // 2:]):
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.flush()


if __name__ == "__main__":
    fake = FakeServer(pause=0.04)
    fake.extras = True
    print(fake.url, flush=True)
    threading.Event().wait()
