"""`python -m tests.breakages [word]`: every promise of docs/operations.md is broken once, in a copy of this folder, and
the tests that hold it have to fail. Each breakage is one place in the code that is written otherwise; a word chooses
those in whose promise it is. It takes about ten minutes, and fails where a breakage goes unseen."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from app.settings import ROOT


class Breakage(NamedTuple):
    """What is promised, the words in a file that keep the promise, what stands there instead, and who has to notice."""

    promise: str
    file: str
    kept: str
    broken: str
    tests: str


BREAKAGES = [
    Breakage(
        "a new file is checked",
        "target.py",
        'if pages != [("ok",)] or dangling:',
        "if False:",
        "faults::test_a_new_file_that_is_not_sound_takes_no_place",
    ),
    Breakage(
        "the document is made once, whoever asks",
        "docs.py",
        "    with _MAKING:\n",
        "    if True:\n",
        "manners::test_many_who_ask_first_for_the_document_get_the_same",
    ),
    Breakage(
        "who leaves is no fault",
        "limits.py",
        "            self.running.disconnected = True\n",
        "            pass\n",
        "floods::test_clients_that_leave_before_they_are_answered_are_no_fault",
    ),
    # Watching
    Breakage(
        "a live process says so without data",
        "health.py",
        'return JSONResponse({"status": "live"}',
        'await database.refresh()\n        return JSONResponse({"status": "live"}',
        "operating::test_without_data_it_lives_and_is_not_ready",
    ),
    Breakage(
        "a ready one has read its data",
        "health.py",
        "await database.refresh()\n        revision = await "
        "database.read(lambda connection: connection.execute(REVISION).scalar_one())",
        'revision = "x"',
        "operating::test_without_data_it_lives_and_is_not_ready",
    ),
    Breakage(
        "a failure has the id of its request",
        "edge.py",
        'message["status"] >= 500',
        "False",
        "operating::test_a_failure_has_the_id_that_its_line_in_the_log_has",
    ),
    Breakage(
        "an id can do no harm in a log",
        "logs.py",
        "if _TAKEN.fullmatch(given) else",
        "if given else",
        "operating::test_an_id_that_could_do_harm_in_a_log_is_replaced",
    ),
    Breakage(
        "an answer tells nothing of what failed",
        "edge.py",
        '"The fault is ours, and has been logged."',
        "repr(error)",
        "operating::test_a_failure_has_the_id_that_its_line_in_the_log_has",
    ),
    Breakage(
        "a log has no password",
        "postgresql.py",
        "            server.down()\n            if isinstance(error, TimeoutError):",
        '            __import__("logging").getLogger("fasti").error(server.url.render_as_string(False))\n'
        "            if isinstance(error, TimeoutError):",
        "operating::test_a_password_is_told_to_nobody",
    ),
    Breakage(
        "what fails again is told once a second",
        "logs.py",
        "if record.created - last < 1:",
        "if False:",
        "operating::test_what_fails_again_and_again_is_told_once_a_second",
    ),
    Breakage(
        "metrics are off by default",
        "settings.py",
        "metrics: bool = Field(False",
        "metrics: bool = Field(True",
        "operating::test_metrics_are_off_by_default",
    ),
    Breakage(
        "metrics count by route",
        "watching.py",
        "metrics.requests.labels(route, ",
        'metrics.requests.labels("x", ',
        "operating::test_metrics_count_by_route_and_status",
    ),
    Breakage(
        "an access log has a line for each request",
        "watching.py",
        "if self.logged:",
        "if False:",
        "operating::test_each_request_is_a_line_where_that_is_wanted",
    ),
    Breakage(
        "JSON logs are JSON",
        "logs.py",
        "return json.dumps(line, ensure_ascii=False, default=str)",
        "return str(line)",
        "operating::test_a_line_of_json_is_one_line_and_has_the_id",
    ),
    Breakage(
        "only its own names are answered to",
        "edge.py",
        "if hosts and found",
        "if False and found",
        "operating::test_only_its_own_names_are_answered_to",
    ),
    Breakage(
        "a Host is a name or an address",
        "edge.py",
        "_HOST.fullmatch(given)",
        '_HOST.match(b"x")',
        "operating::test_a_host_that_is_none_is_refused",
    ),
    Breakage(
        "no type is guessed",
        "edge.py",
        ', (b"x-content-type-options", b"nosniff")',
        "",
        "operating::test_every_answer_is_what_it_says_it_is_and_says_nothing_of_the_server",
    ),
    Breakage(
        "a page has a policy",
        "pages.py",
        'headers=HEADERS | {"content-security-policy": policy}',
        "headers=HEADERS",
        "operating::test_pages_run_nothing_but_what_is_here",
    ),
    Breakage(
        "a page runs its own scripts alone",
        "pages.py",
        "script-src 'self'{scripts}",
        "script-src 'self' 'unsafe-inline'{scripts}",
        "operating::test_pages_run_nothing_but_what_is_here",
    ),
    Breakage(
        "no server says its name",
        "cli.py",
        "server_header=False",
        "server_header=True",
        "cli::test_serve_tells_its_address_answers_and_ends",
    ),
    Breakage(
        "only a trusted proxy says how it was asked",
        "protocol.py",
        'name.startswith(b"x-forwarded-")',
        "False",
        "protocol::test_only_a_proxy_that_is_trusted_says_how_it_was_asked",
    ),
    # Load
    Breakage(
        "a head has an end",
        "limits.py",
        "if self.part == HEAD and self.head > HEAD_BYTES:",
        "if False:",
        "limits::test_what_is_too_large_is_refused",
    ),
    Breakage(
        "headers are counted",
        "limits.py",
        "len(self.headers) > HEADERS",
        "False",
        "limits::test_what_is_too_large_is_refused",
    ),
    Breakage(
        "a head in one piece has an end",
        "limits.py",
        "self._head_bytes() > HEAD_BYTES",
        "False",
        "limits::test_what_is_too_large_is_refused",
    ),
    Breakage(
        "a declared body has an end",
        "limits.py",
        "int(value) > BODY_BYTES",
        "False",
        "limits::test_what_is_too_large_is_refused",
    ),
    Breakage(
        "a body in pieces has an end",
        "limits.py",
        "if self.body > BODY_BYTES:",
        "if False:",
        "limits::test_a_body_that_the_application_waits_for_has_an_end",
    ),
    Breakage(
        "requests that do not wait have an end",
        "limits.py",
        "if len(self.pipeline) >= PIPELINED:",
        "if False:",
        "limits::test_many_requests_without_waiting_are_answered_up_to_a_number",
    ),
    Breakage(
        "a request comes in time",
        "limits.py",
        "        if not self.part:\n            self._close()\n        elif",
        "        return\n        if not self.part:\n            self._close()\n        elif",
        "limits::test_a_request_has_to_come_in_time",
    ),
    Breakage(
        "time ends no connection that is used",
        "limits.py",
        '        self.part = ""\n        self._settle()',
        '        self.part = ""',
        "limits::test_time_ends_no_connection_that_is_used",
    ),
    Breakage(
        "who reads nothing is given up",
        "limits.py",
        "        if self._unread_bytes() > before - UNREAD_BYTES:",
        "        if False:",
        "limits::test_a_client_that_does_not_read_is_given_up",
    ),
    Breakage(
        "who reads slowly is waited for",
        "limits.py",
        "        if self._unread_bytes() > before - UNREAD_BYTES:",
        "        if True:",
        "limits::test_a_client_that_reads_slowly_is_waited_for",
    ),
    Breakage(
        "a small answer that nobody reads has an end",
        "limits.py",
        "        self.transport.close()\n        self._watch()",
        "        self.transport.close()",
        "limits::test_a_small_answer_that_nobody_reads_ends_with_its_connection",
    ),
    Breakage(
        "what nobody reads is bounded",
        "limits.py",
        " > UNSENT_BYTES:",
        " > 1e12:",
        "limits::test_what_nobody_reads_is_bounded_in_bytes",
    ),
    Breakage(
        "connections have an end",
        "limits.py",
        "self.is_spare, self.is_open = above > 0, above <= 0",
        "self.is_spare, self.is_open = False, True",
        "limits::test_above_the_connections_that_there_may_be_only_the_health_is_told",
    ),
    Breakage(
        "above them the health is told",
        "limits.py",
        "self.is_spare and self.url != LIVE.encode()",
        "self.is_spare",
        "limits::test_above_the_connections_that_there_may_be_only_the_health_is_told",
    ),
    Breakage(
        "what came before a refusal is answered",
        "limits.py",
        "elif self.part != BODY or self.cycle.response_started:",
        "elif False:",
        "limits::test_what_came_before_it_is_answered",
    ),
    Breakage(
        "a refusal can be read",
        "limits.py",
        "        if self.transport.can_write_eof():\n            self.transport.write_eof()\n",
        "        self.transport.abort()\n",
        "limits::test_who_goes_on_sending_can_read_why_he_is_refused",
    ),
    Breakage(
        "what cannot be begun is refused",
        "edge.py",
        "scope.get(ARRIVED, inf) + WAIT > monotonic()",
        "True",
        "limits::test_what_could_not_be_begun_in_time_is_refused",
    ),
    Breakage(
        "the health is told all the same",
        "edge.py",
        ' or scope["path"] == LIVE:',
        ":",
        "limits::test_what_could_not_be_begun_in_time_is_refused",
    ),
    Breakage(
        "a turn comes soon or not",
        "turns.py",
        "with fail_after(WAIT):",
        "with fail_after(1000):",
        "limits::test_who_gets_no_turn_is_told_soon",
    ),
    Breakage(
        "a query has its time on SQLite",
        "db.py",
        "return self.until is not None and time.monotonic() > self.until",
        "return False",
        "limits::test_every_query_has_its_time",
    ),
    Breakage(
        "a query has its time on PostgreSQL",
        "postgresql.py",
        '"statement_timeout": server.limit,',
        "",
        "limits::test_every_query_has_its_time",
    ),
    Breakage(
        "a long query holds up nobody",
        "db.py",
        "            return self.left <= 0",
        "            return False",
        "limits foundation",
    ),
    Breakage(
        "exports have an end",
        "db.py",
        "if self._streams >= STREAMS:",
        "if False:",
        "limits::test_exports_at_once_have_an_end",
    ),
    Breakage(
        "trailers have an end",
        "limits.py",
        "elif self.part == BODY and self.rest > 2 * BODY_BYTES:",
        "elif False:",
        "limits::test_trailers_have_an_end",
    ),
    Breakage(
        "what is malformed takes no answer from another",
        "limits.py",
        "        super().on_headers_complete()\n        self.part, self.head, self.rest = BODY, 0, 0\n",
        "        self.part, self.head, self.rest = BODY, 0, 0\n        super().on_headers_complete()\n",
        "limits::test_what_is_malformed_takes_no_answer_from_the_one_before",
    ),
    Breakage(
        "a half request has its own time",
        "limits.py",
        "        if not self.part:\n            self._close()\n\n",
        "        self._close()\n\n",
        "limits::test_a_half_request_has_its_own_time",
    ),
    Breakage(
        "who goes on sending gets all that is answered",
        "limits.py",
        "self.outgoing.lingers = True",
        "self.outgoing.lingers = False",
        "limits::test_who_goes_on_sending_gets_all_that_is_answered",
    ),
    Breakage(
        "what the kernel has counts as unread",
        "limits.py",
        "return self.transport.get_write_buffer_size() + held[0]",
        "return self.transport.get_write_buffer_size()",
        "limits::test_a_client_with_room_in_between_may_read_slowly",
    ),
    Breakage(
        "the last answer of a connection has an end",
        "limits.py",
        "        super().on_response_complete()\n        self._watch()\n",
        "        super().on_response_complete()\n",
        "limits::test_the_last_answer_of_a_connection_has_an_end_too",
    ),
    Breakage(
        "a long work is ended, and nothing beside it",
        "postgresql.py",
        "                    _cut(held)\n",
        "                    server.down()\n                    server.cut()\n",
        "replicas::test_a_long_work_of_short_statements_is_ended_and_nothing_beside_it",
    ),
    # Restart
    Breakage(
        "who asks is told that it is the last answer",
        "limits.py",
        "        if not self.is_open:\n            self.cycle",
        "        if False:\n            self.cycle",
        "restart::test_what_is_on_its_way_when_the_end_comes_is_answered",
    ),
    Breakage(
        "what is on its way is answered",
        "limits.py",
        "self.loop.call_later(LEAVE_SECONDS, self._leave)",
        "self.transport.close()",
        "restart::test_what_is_on_its_way_when_the_end_comes_is_answered",
    ),
    Breakage(
        "a worker that is slow to begin is waited for",
        "cli.py",
        "timeout_worker_healthcheck=BEGIN_SECONDS",
        "timeout_worker_healthcheck=1",
        "restart::test_workers_are_begun_anew_one_after_the_other",
    ),
    Breakage(
        "a socket that is handed over is used",
        "cli.py",
        "found = socket(fileno=3)",
        "found = config.bind_socket()",
        "restart::test_another_process_takes_the_port_and_nobody_is_refused",
    ),
    # Data
    Breakage(
        "a file that changed is noticed after a query",
        "db.py",
        "    if served.is_altered():\n        raise Stale\n    return done",
        "    return done",
        "faults::test_what_was_read_from_a_file_that_changed_meanwhile_is_not_told",
    ),
    Breakage(
        "a file that changed is noticed by a look",
        "db.py",
        "if self._served is not None and self._served.is_altered():",
        "if False:",
        "faults::test_what_is_stored_is_given_no_more_once_the_file_is_known_to_be_bad",
    ),
    Breakage(
        "a file is read through before it is served",
        "sqlite.py",
        "if not seal.is_whole(file, thorough=thorough):",
        "if False:",
        "faults::test_a_file_that_a_power_cut_shortened_is_not_served_and_is_loaded_anew",
    ),
    Breakage(
        "its content is what was sealed",
        "seal.py",
        " or _digest(file, end) == digest",
        " or True",
        "faults::test_a_file_that_is_changed_in_its_place_is_served_no_more_until_a_good_one_is_there",
    ),
    Breakage(
        "a file that was touched is read through",
        "seal.py",
        "untouched = (found.st_ino, found.st_mtime_ns) == (number, written)",
        "untouched = True",
        "faults::test_a_large_file_is_read_whole_unless_it_is_the_one_that_was_sealed",
    ),
    Breakage(
        "a server cannot write its data",
        "sqlite.py",
        "?mode=ro&immutable=1",
        "?mode=rw",
        "faults::test_a_server_outlives_all_of_it",
    ),
    Breakage(
        "what is unreadable is served no longer",
        "db.py",
        "if is_unreadable(error) and self._served is served:",
        "if False:",
        "faults::test_a_file_that_rots_without_a_trace_is_read_whole_as_soon_as_sqlite_stumbles",
    ),
    Breakage(
        "a new file takes its place whole",
        "target.py",
        "        os.replace(aside, path)\n",
        "        import shutil\n\n        shutil.copyfile(aside, path)\n",
        "faults",
    ),
    Breakage(
        "a file is on the disk first",
        "seal.py",
        "        os.fsync(file.fileno())\n",
        "",
        "faults::test_a_file_is_on_the_disk_before_it_has_its_place",
    ),
    Breakage(
        "and its folder after it",
        "target.py",
        "        _sync(path.parent)\n",
        "",
        "faults::test_a_file_is_on_the_disk_before_it_has_its_place",
    ),
    Breakage(
        "what a killed load left is removed",
        "target.py",
        "        left.unlink(missing_ok=True)\n",
        "        pass\n",
        "faults::test_what_killed_loads_left_is_removed_whatever_process_has_their_number_now",
    ),
    Breakage(
        "a load that fails leaves nothing",
        "target.py",
        "            aside.unlink()\n",
        "            pass\n",
        "faults::test_a_load_that_may_not_write_more_bytes",
    ),
    Breakage(
        "one load at a time",
        "target.py",
        "flock(handle, LOCK_EX | LOCK_NB)",
        "pass",
        "faults::test_of_two_loads_the_second_waits_and_finds_it_done",
    ),
    Breakage(
        "a pack that changes is not loaded",
        "load.py",
        "        if revision_of(settings) != revision:\n            said",
        "        if False:\n            said",
        "faults::test_a_pack_that_is_changed_while_it_is_read_is_not_loaded",
    ),
    Breakage(
        "a revision that is not stored is not given",
        "caching.py",
        "seen is None or self.fresh() != self.revision or",
        "seen is None or",
        "protocol::test_a_new_revision_is_never_answered_with_an_old_answer",
    ),
    # PostgreSQL
    Breakage(
        "a lost server is done without",
        "postgresql.py",
        "        for _ in range(2):\n            for server in self._in_order():",
        "        for _ in range(1):\n            for server in self._in_order()[:1]:",
        "replicas::test_what_one_server_cannot_do_another_does",
    ),
    Breakage(
        "a server that hangs is given up",
        "postgresql.py",
        "with fail_after(PATIENCE):",
        "with fail_after(1000):",
        "replicas::test_a_server_that_hangs_is_given_up",
    ),
    Breakage(
        "so is one that hangs in a query",
        "postgresql.py",
        "seconds=self.seconds)",
        "seconds=1000)",
        "outages::test_one_request_alone_is_answered_though_nobody_else_notices",
    ),
    Breakage(
        "all processes turn at once",
        "postgresql.py",
        "min([self.refresh_seconds, *(wait for wait in found.values() if wait > 0)])",
        "self.refresh_seconds",
        "replicas::test_all_processes_turn_to_a_revision_at_once",
    ),
    Breakage(
        "a lagging server leads nobody back",
        "postgresql.py",
        "if server is None or newest(server.schemas) < known:",
        "if server is None:",
        "replicas::test_without_the_primary_a_lagging_replica_leads_nobody_back",
    ),
    Breakage(
        "a dead connection is not used",
        "postgresql.py",
        'if record.info["downs"] != self.server.downs:',
        "if False:",
        "replicas::test_a_broken_connection_is_not_kept",
    ),
    # HTTP
    Breakage(
        "a part is not given",
        "pages.py",
        'if name != b"range"',
        "",
        "manners::test_no_part_is_given_and_none_is_offered",
    ),
    Breakage(
        "405 tells what is allowed",
        "main.py",
        '        problem.headers["allow"] = ALLOW\n',
        "",
        "manners::test_other_methods_are_refused_with_allow",
    ),
    Breakage(
        "Vary names what decides",
        "caching.py",
        '(b"vary", b"Accept, Accept-Encoding")',
        '(b"vary", b"Accept")',
        "manners::test_caching_and_conditional_requests",
    ),
    Breakage(
        "what decides keeps answers apart",
        "caching.py",
        '(b"accept", b"accept-encoding",',
        '(b"accept-encoding",',
        "caching::test_what_decides_an_answer_keeps_it_apart",
    ),
    Breakage(
        "HEAD has no body",
        "edge.py",
        'head, started, ended = scope["method"] == "HEAD", False, False',
        "head, started, ended = False, False, False",
        "manners::test_head_is_get_without_a_body",
    ),
    Breakage(
        "a page of any origin may read",
        "caching.py",
        '(b"access-control-allow-origin", b"*"),',
        "",
        "manners::test_options_and_cors",
    ),
]


def copied(folder: Path) -> Path:
    """What is committed or new here, beside the article if that is at hand."""
    place = folder / "fasti"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes((ROOT / name).read_bytes())
    return place


def noticing(name: str) -> str:
    """The file of tests, or the test in it, that pytest is to run."""
    file, _, test = name.partition("::")
    return f"tests/test_{file}.py" + (f"::{test}" if test else "")


def is_noticed(place: Path, breakage: Breakage) -> bool:
    """Whether a test fails, and not because the code is none."""
    path = place / "app" / breakage.file
    kept = path.read_text("utf-8")
    path.write_text(kept.replace(breakage.kept, breakage.broken), "utf-8")
    try:
        compile(path.read_text("utf-8"), path, "exec")
        files = [noticing(each) for each in breakage.tests.split()]
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=200)
    except subprocess.TimeoutExpired:
        # What waits for ever does not pass.
        return True
    finally:
        path.write_text(kept, "utf-8")
    # 1 is that tests failed; anything else is no answer.
    if done.returncode not in (0, 1) or ("error" in done.stdout.splitlines()[-1] and "failed" not in done.stdout):
        raise SystemExit(f"{breakage.promise}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 1


def main() -> None:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    unseen = []
    with tempfile.TemporaryDirectory() as folder:
        place = copied(Path(folder))
        for breakage in BREAKAGES:
            if word in breakage.promise:
                begun = time.monotonic()
                noticed = is_noticed(place, breakage)
                unseen += [] if noticed else [breakage.promise]
                sys.stdout.write(
                    f"{'noticed' if noticed else 'UNSEEN ':8}{time.monotonic() - begun:5.0f} s  {breakage.promise}\n"
                )
                sys.stdout.flush()
    raise SystemExit(bool(unseen))


if __name__ == "__main__":
    main()
