"""`make demo`: servers, database, account and processes, shown step by step; ends in order, leaves nothing behind."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from reliability.embedded import external, log_watch, pager, ports, prepare, processes, state, waiting
from reliability.embedded.child import Child
from reliability.embedded.folder import Folder, InUse
from reliability.embedded.output import Output
from reliability.embedded.refusal import Refusal
from reliability.embedded.stack import VARIABLES, Addresses, Stack
from reliability.embedded.supervisor import Stopped, Supervisor

USERNAME = "operator"
PREFERRED_PORT = 8000
SERVERS, PROCESSES = 0, 1  # stages: what is ended last, what is ended first
WEB_ANSWERS_WITHIN_S = 60.0
FREE_BYTES_MIN = 1024**3
NEXT = (
    "Next: sign in with this account and choose Dead letters: it fills by",
    "itself within a minute. On Demo shop press Payments recovered, unless the",
    "payment provider is working there already (switches stay as you left",
    "them); then open its failure under Dead letters, press Plan a replay, and",
    "approve.",
)


def run(path: Path) -> int:
    """Run the demo in this folder until a signal ends it; returns the exit code."""
    demo = Demo(Folder(path=path.resolve()))
    try:
        with demo.supervisor.listening():
            return demo.run()
    except Refusal as refusal:
        demo.output.write(f"\nmake demo: {refusal}")
        return 1


class Demo:
    """One run."""

    def __init__(self, folder: Folder) -> None:
        """Nothing is started yet."""
        self.output = Output()
        self.folder = folder
        self.supervisor = Supervisor(say=self.output.say, on_change=self._write_state)
        self._stack = Stack(
            folder=folder,
            external=os.environ,
            say=self.output.say,
            checkpoint=self.supervisor.checkpoint,
            mark=self._mark,
        )
        self._port = PREFERRED_PORT
        self._token = ""
        self._ready = False

    def run(self) -> int:
        """Start everything, watch it, end it."""
        self._hold()
        try:
            self._look_around()
            self._run_and_end()
        finally:
            self.folder.release()
        return 0

    def _run_and_end(self) -> None:
        try:
            self._start()
            self.supervisor.run()
        except Stopped:
            pass
        finally:
            self.output.say("ending: processes first, then servers (a second Ctrl-C kills)")
            state.remove(self.folder.path)
            self.supervisor.stop()
            self._stack.stop()
            self.output.say("everything has ended")

    def _hold(self) -> None:
        try:
            self.folder.hold()
        except InUse as error:
            url = state.read(self.folder.path).get("url", "its address is not known yet")
            raise Refusal(
                f"A demo of this checkout is already running (process {error.pid}, {url}). "
                f"End it with Ctrl-C in its terminal or with `kill {error.pid}`."
            ) from None

    def _start(self) -> None:
        addresses = self._start_servers()
        env = self._environment(addresses)
        self._prepare(env)
        self._start_web(env)
        for child in processes.behind(self.folder, env=env):
            self.supervisor.checkpoint()
            self._start_child(child)
        self._ready = True
        self._write_state()
        self._show(addresses)

    def _look_around(self) -> None:
        """Refuse before anything is started."""
        left = state.end_left_over(self.folder.path)
        if left:
            self.output.say(f"ended what a killed demo left behind: {', '.join(left)}")
        if shutil.disk_usage(self.folder.path).free < FREE_BYTES_MIN:
            raise Refusal(f"The disk of {self.folder.path} has less than 1 GB free: the embedded servers need it.")
        self._port = choose_port(os.environ.get("MAINSTAY_PORT"), kept=self.folder.port("web"))
        for name in external.check(os.environ):
            self.output.say(f"{name} is set and its server answers")

    def _start_servers(self) -> Addresses:
        names = [name for name, variable in VARIABLES.items() if not os.environ.get(variable)]
        self.output.say(f"starting {', '.join(names) or 'no server'}")
        for log in self.folder.logs.glob("*.log"):
            log_watch.turn(log)
        addresses = self._stack.start()
        for child in self._stack.children.values():
            self.supervisor.watch(child, stage=SERVERS)
        return addresses

    @property
    def _mark(self) -> dict[str, str]:
        return {state.MARK: str(self.folder.path)}

    def _environment(self, addresses: Addresses) -> dict[str, str]:
        return {
            "MAINSTAY_ENVIRONMENT_NAME": "demo",
            "MAINSTAY_SECRET_KEY": self._secret_key(),
            "MAINSTAY_LAG_HOT_S": "1",  # one small cluster on this machine: nobody waits for a verdict
            **os.environ,
            **self._alerts,
            **addresses.environment(),
            **self._mark,
            "MAINSTAY_BROKER": addresses.broker,
            "MAINSTAY_BROKER_REASON": addresses.broker_reason,
            "MAINSTAY_DEMO": "true",
            "DJANGO_SETTINGS_MODULE": "reliability.settings",
            "PYTHONUNBUFFERED": "1",
            "PROMETHEUS_MULTIPROC_DIR": self._empty_metrics_folder(),
        }

    @property
    def _alerts(self) -> dict[str, str]:
        return pager.environment(url=self._url, secret=self.folder.secret("pager"), given=os.environ)

    def _empty_metrics_folder(self) -> str:
        """Where all processes add to the counts that the console's /metrics shows; counts of a former run would lie."""
        path = self.folder.path / "metrics"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        return str(path)

    def _secret_key(self) -> str:
        return os.environ.get("MAINSTAY_SECRET_KEY") or self.folder.secret("secret_key") + self.folder.secret(
            "secret_salt"
        )

    def _prepare(self, env: dict[str, str]) -> None:
        """Migrations, browser files, account, token: shown as they are done."""
        self.output.say("preparing database, browser files and account")
        given = {
            "username": USERNAME,
            "password": self.folder.secret("password"),
            "api_token": self.folder.kept().get("token"),
        }
        log = self.folder.logs / "prepare.log"
        with (
            log.open("w") as errors,
            subprocess.Popen(
                [sys.executable, "-m", "reliability.embedded.prepare"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=env,
                cwd=processes.CHECKOUT,
                text=True,
            ) as work,
        ):
            if work.stdin is None or work.stdout is None:
                raise ValueError("both were asked for as pipes")
            work.stdin.write(json.dumps(given))
            work.stdin.close()
            for line in work.stdout:
                if line.startswith(prepare.TOKEN_LINE):
                    self._token = line.removeprefix(prepare.TOKEN_LINE).strip()
                else:
                    self.output.say(line.strip())
        self.supervisor.checkpoint()
        if work.returncode != 0 or not self._token:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise Refusal(
                f"Preparing the database failed: {lines[-1] if lines else 'no reason given'} (all of it: {log})"
            )
        self.folder.keep(token=self._token)

    def _start_child(self, child: Child) -> None:
        self.supervisor.start(child, stage=PROCESSES)

    def _start_web(self, env: dict[str, str]) -> None:
        child = processes.web(self.folder, port=self._port, env=env)
        self._start_child(child)
        self.folder.keep(web_port=self._port)

        def settled() -> bool:
            self.supervisor.checkpoint()
            return page_answers(self._port) or not child.running

        if not waiting.until(settled, timeout_s=WEB_ANSWERS_WITHIN_S) or not child.running:
            raise Refusal(f"The console did not start ({child.log}):\n" + "\n".join(child.tail()))
        self.output.say(f"console: answers at {self._url}")

    @property
    def _url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self._port}"

    def _write_state(self) -> None:
        if not self._ready:
            return
        addresses = self._stack.addresses()
        facts: dict[str, Any] = {
            "url": self._url,
            "username": USERNAME,
            "password": self.folder.secret("password"),
            "api_token": self._token,
            "database_url": addresses.database_url,
            "redis_url": addresses.redis_url,
            "kafka_bootstrap_servers": addresses.kafka_bootstrap_servers,
            "broker": addresses.broker,
            "broker_reason": addresses.broker_reason,
            "alerts": self._alerts,
            "read_only": os.environ.get("MAINSTAY_READ_ONLY") or "false",
            "processes": self.supervisor.pids(stage=PROCESSES),
            "servers": self.supervisor.pids(stage=SERVERS),
            "supervisor": os.getpid(),
            "secret_key": self._secret_key(),
        }
        state.write(self.folder.path, facts)

    def _show(self, addresses: Addresses) -> None:
        lines = [f"Mainstay   {self._url}", f"username   {USERNAME}", f"password   {self.folder.secret('password')}"]
        if addresses.broker_reason:
            lines += ["", "Kafka is librdkafka's in-process broker, not Apache Kafka:", addresses.broker_reason]
        self.output.box([*lines, "", *NEXT, "", f"logs in {self.folder.logs}", "Ctrl-C ends everything."])


def choose_port(wanted: str | None, *, kept: int | None) -> int:
    """The port of the console: the one MAINSTAY_PORT names, else that of the last run, 8000, or any free one.

    Raises `Refusal` when the named one is no port or taken.
    """
    if wanted is None:
        return ports.choose(kept, PREFERRED_PORT)
    if not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise Refusal(f"MAINSTAY_PORT is {wanted!r}, which is not a port (example: 8000).")
    if not ports.is_free(int(wanted)):
        raise Refusal(f"Port {wanted} (MAINSTAY_PORT) is taken by another program: end that, or name another port.")
    return int(wanted)


def page_answers(port: int) -> bool:
    """Whether the console answers requests."""
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
