#!/usr/bin/env python3
"""Opens a page of results in headless Chromium and checks that all of it works.

    scripts/check_page.py PAGE.html [--screenshot FILE.png] [--width 1200] [--dark]

Checked: every picture is drawn, every sound has a length and plays, every player plays, switches
to each of its tracks, sends it to the speakers and pauses, every download link has a file behind
it, nothing is asked of the network, and the console holds no error. Prints a summary; the status is 1 when
anything fails. Needs Python 3.10 and Chromium, and nothing else: the browser is controlled over its
debugging pipe.
"""

import argparse
import base64
import fcntl
import json
import os
import pathlib
import select
import shutil
import signal
import sys
import tempfile
import time

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOCAL = ("file:", "data:", "blob:", "about:")
STEP_S = 120.0  # the longest that any one question to the browser may take

CHECK = r"""
(async () => {
  const failures = [];
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const until = async (test, ms) => {
    const end = performance.now() + ms;
    while (!test() && performance.now() < end) await sleep(20);
    return test();
  };
  const name = (e) => e.getAttribute("aria-label") || e.alt || e.className || e.tagName;

  const pictures = [...document.images];
  for (const picture of pictures) {
    await until(() => picture.complete, 10000);
    if (!(picture.naturalWidth > 0)) failures.push(`picture "${name(picture)}" is not drawn`);
    const box = picture.getBoundingClientRect();
    if (!(box.width > 0 && box.height > 0)) failures.push(`picture "${name(picture)}" has no room`);
  }

  const sounds = [...document.querySelectorAll("audio")];
  for (const sound of sounds) {
    const loaded = await until(() => sound.error || sound.readyState >= 1, 20000);
    if (sound.error || !loaded) {
      failures.push(`sound "${name(sound)}" does not load: ${sound.error?.message ?? "no answer"}`);
    } else if (!(sound.duration > 0 && Number.isFinite(sound.duration))) {
      failures.push(`sound "${name(sound)}" has the length ${sound.duration}`);
    } else {
      try {
        await sound.play();
        const far = Math.min(0.1, sound.duration / 2);
        if (!await until(() => sound.currentTime >= far, 10000)) {
          failures.push(`sound "${name(sound)}" stands still`);
        }
      } catch (error) {
        failures.push(`sound "${name(sound)}" does not play: ${error.message}`);
      }
      sound.pause();
      sound.currentTime = 0;
    }
  }

  // The samples of a sound as they are in the page, and the moment of its loudest one.
  const loudest = (sound) => {
    const bytes = Uint8Array.from(atob(sound.src.split(",")[1]), (c) => c.charCodeAt(0));
    const samples = new Int16Array(bytes.buffer, 44);
    let at = 0;
    for (let i = 0; i < samples.length; i += 1) {
      if (Math.abs(samples[i]) > Math.abs(samples[at])) at = i;
    }
    return { peak: Math.abs(samples[at]) / 32768, at: at / samples.length * sound.duration };
  };
  let heard = 0;
  const players = [...document.querySelectorAll(".player")];
  for (const player of players) {
    const fail = (what) => failures.push(`player "${name(player)}" ${what}`);
    const choose = [...player.querySelectorAll(".choose")];
    const play = player.querySelector(".play");
    const seek = player.querySelector(".seek");
    const isOn = (button) => button.getAttribute("aria-pressed") === "true";
    const move = (seconds) => {
      seek.value = seconds;
      seek.dispatchEvent(new Event("input"));
    };
    move(0);
    play.click();
    if (!await until(() => Number(seek.value) > 0.1, 10000)) fail("stands still");
    for (const [i, sound] of [...player.querySelectorAll("audio")].entries()) {
      const { peak, at } = loudest(sound);
      choose[i].click();
      if (choose.filter(isOn).length !== 1 || !isOn(choose[i])) fail(`does not switch to ${i + 1}`);
      move(Math.max(at - 0.1, 0));
      if (!isOn(play)) play.click();
      await until(() => Number(seek.value) > Math.max(at - 0.05, 0), 5000);
      // A silent track cannot be heard; of others, a tenth of the loudest sample has to arrive.
      if (peak > 0.001 && !await until(() => pageCheck.level() > peak / 10, 3000)) {
        fail(`is not heard at track ${i + 1}`);
      } else {
        heard += 1;
      }
    }
    if (isOn(play)) play.click();
    const before = seek.value;
    await sleep(150);
    if (isOn(play) || seek.value !== before) fail("does not pause");
    if (pageCheck.level() > 0) fail("is heard while it pauses");
    for (const link of player.querySelectorAll("a[download]")) {
      if (!link.href.startsWith("blob:")) fail(`has no file behind ${link.download}`);
    }
    choose[0].click();
  }
  document.querySelectorAll(".seek").forEach((seek) => {
    seek.value = 0;
    seek.dispatchEvent(new Event("input"));
  });
  window.scrollTo(0, 0);
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  if (wide) failures.push("the page is wider than the window");
  return {
    title: document.title, pictures: pictures.length, sounds: sounds.length,
    seconds: sounds.reduce((sum, s) => sum + (s.duration || 0), 0),
    players: players.length, heard, failures,
  };
})()
"""


# Runs before the page: listens in on whatever the page sends to the speakers.
LISTEN = r"""
window.pageCheck = { taps: new Map(), level() {
  let peak = 0;
  for (const tap of this.taps.values()) {
    const samples = new Float32Array(tap.fftSize);
    tap.getFloatTimeDomainData(samples);
    peak = samples.reduce((most, s) => Math.max(most, Math.abs(s)), peak);
  }
  return peak;
} };
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to instanceof AudioDestinationNode) {
    const { taps } = window.pageCheck;
    if (!taps.has(to)) taps.set(to, new AnalyserNode(this.context, { fftSize: 2048 }));
    connect.call(this, taps.get(to));
  }
  return connect.call(this, to, ...rest);
};
"""


class PageError(Exception):
    """The browser could not be used at all."""


class Browser:
    """Headless Chromium, spoken to in JSON over its debugging pipe."""

    def __init__(self, program, folder):
        self.events = []
        self.waiting = b""
        self.last_id = 0
        # The browser reads commands from descriptor 3 and writes answers to descriptor 4; its ends
        # of the pipes are kept clear of these two until they are moved there.
        commands, self.outgoing = os.pipe()
        self.incoming, answers = os.pipe()
        self.log_path = os.path.join(folder, "browser.log")
        log = os.open(self.log_path, os.O_CREAT | os.O_WRONLY, 0o600)
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (commands, answers, log)]
        for fd in (commands, answers, log):
            os.close(fd)
        arguments = [
            program, "--headless", "--remote-debugging-pipe", f"--user-data-dir={folder}/profile",
            "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            "--autoplay-policy=no-user-gesture-required", "--hide-scrollbars",
        ]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium has no sandbox for root
        spawn = os.POSIX_SPAWN_DUP2
        self.pid = os.posix_spawnp(
            program, arguments + ["about:blank"], os.environ, setpgroup=0,
            file_actions=[(spawn, theirs[0], 3), (spawn, theirs[1], 4),
                          (spawn, theirs[2], 1), (spawn, theirs[2], 2)],
        )
        for fd in theirs:
            os.close(fd)

    def close(self):
        """Ends the browser and everything that it started."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.outgoing)
        os.close(self.incoming)

    def ask(self, method, session=None, **params):
        """Sends one command and returns its result; events that come meanwhile are kept."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        try:
            while data:
                data = data[os.write(self.outgoing, data):]
        except BrokenPipeError:
            raise PageError(self.last_words()) from None
        deadline = time.monotonic() + STEP_S
        while True:
            answer = self.read(deadline, method)
            if answer.get("id") == self.last_id:
                if "error" in answer:
                    raise PageError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        """Waits for an event."""
        deadline = time.monotonic() + STEP_S
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.read(deadline, method))

    def read(self, deadline, what):
        while b"\0" not in self.waiting:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.incoming], [], [], left)[0]:
                raise PageError(f"no answer to {what} within {STEP_S:.0f} s")
            chunk = os.read(self.incoming, 1 << 20)
            if not chunk:
                raise PageError(self.last_words())
            self.waiting += chunk
        message, self.waiting = self.waiting.split(b"\0", 1)
        return json.loads(message)

    def last_words(self):
        log = pathlib.Path(self.log_path).read_text(errors="replace").strip()
        return "the browser ended by itself: " + (log[-800:] or "it said nothing")


def complaints(events):
    """What the console and the network have to say against the page."""
    found = []
    for event in events:
        method, params = event.get("method"), event.get("params", {})
        if method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            found.append("console: " + params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            words = [str(a.get("value", a.get("description", ""))) for a in params["args"]]
            found.append("console: " + " ".join(words))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            thrown = details.get("exception", {}).get("description", details["text"])
            found.append("exception: " + thrown)
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith(LOCAL):
                found.append("asked the network for " + url[:200])
    return found


def check(browser, arguments):
    """Opens the page, checks it and takes its picture; returns what was found."""
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def ask(method, **params):
        return browser.ask(method, session, **params)

    for domain in ("Page", "Runtime", "Log", "Network"):
        ask(domain + ".enable")
    ask("Emulation.setDeviceMetricsOverride", width=arguments.width, height=900,
        deviceScaleFactor=1, mobile=False)
    scheme = "dark" if arguments.dark else "light"
    ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    ask("Page.addScriptToEvaluateOnNewDocument", source=LISTEN)
    opened = ask("Page.navigate", url=arguments.page.resolve().as_uri())
    if "errorText" in opened:
        raise PageError(f"{arguments.page}: {opened['errorText']}")
    browser.wait_for("Page.loadEventFired")

    answer = ask("Runtime.evaluate", expression=CHECK, awaitPromise=True, returnByValue=True,
                 userGesture=True)
    if "exceptionDetails" in answer:
        raise PageError("the check itself failed: " + json.dumps(answer["exceptionDetails"]))
    result = answer["result"]["value"]
    if arguments.screenshot:
        size = ask("Page.getLayoutMetrics")["cssContentSize"]
        shot = ask("Page.captureScreenshot", captureBeyondViewport=True,
                   clip={"x": 0, "y": 0, "scale": 1, "width": arguments.width,
                         "height": min(size["height"], 16000)})
        arguments.screenshot.write_bytes(base64.b64decode(shot["data"]))
    result["failures"] += complaints(browser.events)
    return result


def main():
    parser = argparse.ArgumentParser(description="Checks a page of results in headless Chromium.")
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--screenshot", type=pathlib.Path, help="write the whole page here (PNG)")
    parser.add_argument("--width", type=int, default=1200, help="width of the window (1200)")
    parser.add_argument("--dark", action="store_true", help="as a reader with a dark theme sees it")
    parser.add_argument("--browser", help="the program to run")
    arguments = parser.parse_args()
    if not arguments.page.is_file():
        parser.error(f"there is no file {arguments.page}")
    program = arguments.browser or next(filter(shutil.which, BROWSERS), None)
    if program is None:
        parser.error("Chromium is not installed; give --browser PROGRAM")

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program, folder)
        try:
            result = check(browser, arguments)
        except PageError as error:
            sys.exit(f"check_page: {error}")
        finally:
            browser.close()

    failures = result["failures"]
    for failure in failures:
        print(f"  FAILED  {failure}")
    print(f"{arguments.page.name}: {result['title']!r}: {result['pictures']} pictures, "
          f"{result['sounds']} sounds ({result['seconds']:.1f} s), {result['players']} players "
          f"({result['heard']} tracks heard), {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
