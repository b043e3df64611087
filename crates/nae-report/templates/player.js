"use strict";
// Players whose tracks run together to the sample: all tracks of a player are started at one moment
// of one audio clock, each behind a gain of its own, and switching moves the gains. The audio
// elements of the page carry the sounds; without this script they play by themselves.
(() => {
  const FADE_S = 0.004; // of a switch; hides the click, too short to be heard
  const AHEAD_S = 0.03; // between asking for a start and the start
  const ARROW_S = 0.2; // of an arrow key on the position

  let speakers = null; // the audio clock, made at the first gesture as browsers demand
  let current = null; // the player that keys speak to

  function bytesOf(sound) {
    const binary = atob(sound.src.slice(sound.src.indexOf(",") + 1));
    return Uint8Array.from(binary, (c) => c.charCodeAt(0));
  }

  function clock(seconds) {
    const tenths = Math.floor(seconds * 10 + 1e-6);
    const rest = String(Math.floor((tenths % 600) / 10)).padStart(2, "0");
    return `${Math.floor(tenths / 600)}:${rest}.${tenths % 10}`;
  }

  function isOn(button) {
    return button.getAttribute("aria-pressed") === "true";
  }

  class Player {
    constructor(root) {
      const all = (selector) => [...root.querySelectorAll(selector)];
      const one = (selector) => root.querySelector(selector);
      this.sounds = all("audio");
      this.buttons = all(".choose");
      this.areas = all(".track").map((track) => track.querySelector(".area"));
      this.heads = this.areas.map((area) => area.appendChild(document.createElement("div")));
      this.playButton = one(".play");
      this.repeatButton = one(".repeat");
      this.position = one(".seek");
      this.time = one(".time");
      this.failure = one(".failure");
      this.lengths = this.sounds.map((sound) => Number(sound.dataset.seconds));
      this.length = Math.max(...this.lengths);
      this.buffers = null; // decoded sounds
      this.running = null; // { since, voices: [{ source, gain }] } while playing
      this.at = 0; // seconds, while not playing
      this.heard = 0;

      this.heads.forEach((head) => { head.className = "playhead"; });
      this.sounds.forEach((sound) => { sound.controls = false; });
      all(".download").forEach((link, i) => {
        // Links to data URIs of some megabytes fail in browsers; links to blobs do not.
        const file = new Blob([bytesOf(this.sounds[i])], { type: "audio/wav" });
        link.href = URL.createObjectURL(file);
      });
      this.playButton.addEventListener("click", () => this.toggle());
      this.repeatButton.addEventListener("click", () => {
        this.repeatButton.setAttribute("aria-pressed", !isOn(this.repeatButton));
      });
      this.position.addEventListener("input", () => this.seek(Number(this.position.value)));
      this.buttons.forEach((button, i) => button.addEventListener("click", () => this.choose(i)));
      this.areas.forEach((area, i) => area.addEventListener("click", (event) => {
        const box = area.getBoundingClientRect();
        const [from, to] = [Number(area.dataset.from), Number(area.dataset.to)];
        this.choose(i);
        this.seek(from + (to - from) * (event.clientX - box.left) / box.width);
      }));
      for (const type of ["pointerdown", "focusin"]) {
        root.addEventListener(type, () => { current = this; });
      }
      root.classList.add("ready");
      this.choose(0);
      this.show();
    }

    // Where the sound is, in seconds from its start.
    get now() {
      if (!this.running) return this.at;
      const since = speakers.currentTime - this.running.since;
      return Math.min(Math.max(since, this.at), this.length);
    }

    toggle() {
      if (isOn(this.playButton)) this.pause(); else this.play();
    }

    async play() {
      players.forEach((other) => { if (other !== this) other.pause(); });
      current = this;
      this.failure.hidden = true;
      this.playButton.setAttribute("aria-pressed", "true");
      try {
        speakers ??= new AudioContext({ latencyHint: "playback" });
        await speakers.resume();
        this.buffers ??= await Promise.all(
          this.sounds.map((sound) => speakers.decodeAudioData(bytesOf(sound).buffer)),
        );
      } catch (error) {
        this.pause();
        this.failure.textContent = `This browser cannot play the audio: ${error.message}`;
        this.failure.hidden = false;
        return;
      }
      if (!isOn(this.playButton) || this.running) return; // paused meanwhile, or asked twice
      this.start(this.at < this.length - 0.01 ? this.at : 0);
      this.frame();
    }

    pause() {
      this.playButton.setAttribute("aria-pressed", "false");
      this.at = this.now;
      this.stop();
      this.show();
    }

    seek(seconds) {
      const target = Math.min(Math.max(seconds, 0), this.length);
      if (this.running) {
        this.stop();
        this.start(target);
      } else {
        this.at = target;
      }
      this.show();
    }

    start(from) {
      const begin = speakers.currentTime + AHEAD_S;
      const voices = this.buffers.map((buffer, i) => {
        const gain = new GainNode(speakers, { gain: i === this.heard ? 1 : 0 });
        const source = new AudioBufferSourceNode(speakers, { buffer });
        source.connect(gain).connect(speakers.destination);
        if (from < buffer.duration) source.start(begin, from);
        return { source, gain };
      });
      this.at = from;
      this.running = { since: begin - from, voices };
      const last = voices[this.lengths.indexOf(this.length)];
      last.source.onended = () => this.ended();
      if (from >= this.length) this.ended();
    }

    stop() {
      if (!this.running) return;
      for (const { source, gain } of this.running.voices) {
        source.onended = null;
        gain.disconnect();
        source.disconnect();
        source.buffer = null;
      }
      this.running = null;
    }

    ended() {
      if (isOn(this.repeatButton)) {
        this.seek(0);
      } else {
        this.pause();
        this.at = this.length;
        this.show();
      }
    }

    choose(index) {
      if (index >= this.sounds.length) return;
      this.heard = index;
      this.running?.voices.forEach(({ gain }, i) => {
        const level = gain.gain;
        level.cancelScheduledValues(0);
        level.setValueAtTime(level.value, speakers.currentTime);
        level.linearRampToValueAtTime(i === index ? 1 : 0, speakers.currentTime + FADE_S);
      });
      this.buttons.forEach((button, i) => {
        button.setAttribute("aria-pressed", i === index);
        button.closest(".track").classList.toggle("heard", i === index);
      });
    }

    frame() {
      if (!this.running) return;
      this.show();
      requestAnimationFrame(() => this.frame());
    }

    show() {
      const seconds = this.now;
      this.position.value = seconds;
      this.time.textContent = `${clock(seconds)} / ${clock(this.length)}`;
      this.position.setAttribute("aria-valuetext", this.time.textContent);
      this.heads.forEach((head, i) => {
        const { from, to } = this.areas[i].dataset;
        const share = (seconds - from) / (to - from);
        head.style.left = `${100 * Math.min(Math.max(share, 0), 1)}%`;
      });
    }
  }

  const players = [...document.querySelectorAll(".player")].map((root) => new Player(root));
  current = players[0] ?? null;

  document.addEventListener("keydown", (event) => {
    if (!current || event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target;
    if (event.key === " ") {
      if (target.closest("button, a, pre")) return; // keeps its own meaning there
      event.preventDefault();
      if (!event.repeat) current.toggle();
    } else if (/^[1-9]$/.test(event.key)) {
      current.choose(Number(event.key) - 1);
    } else if (target === current.position && /^Arrow(Left|Right)$/.test(event.key)) {
      event.preventDefault();
      current.seek(current.now + (event.key === "ArrowLeft" ? -ARROW_S : ARROW_S));
    }
  });
})();
