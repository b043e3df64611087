"""music/: notes, phrases and drums played on a soundfont, and recorded loops."""

import random
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from recipe import Clip
from recordings import files, halves
from sound import RATE, decode, peak_level, wav

CHANGES = (
    "instruments: notes of our own played by fluidsynth without reverb and chorus, converted to 16 kHz mono, the peak set to 0.6; "
    "loops: converted to 16 kHz mono, split 70 : 30 into training and test, the mean removed, the peak set to 0.7; rounded to 16 bits"
)

SAMPLES = "usr/share/sonic-pi/samples"
SOUNDFONT = "usr/share/sounds/sf2/FluidR3_GM.sf2"
DRUMS = 9  # the drum channel of General MIDI, counted from 0
TICKS_PER_S = 960

PIANO_NOTES = {"C3": 48, "E3": 52, "G3": 55, "C4": 60, "E4": 64, "G4": 67, "A4": 69, "C5": 72}

# General MIDI program, lowest and highest note
INSTRUMENTS = {
    "piano": (0, 48, 84),
    "nylon_guitar": (24, 45, 76),
    "violin": (40, 57, 88),
    "cello": (42, 38, 64),
    "trumpet": (56, 57, 82),
    "clarinet": (71, 52, 84),
    "flute": (73, 62, 94),
    "acoustic_bass": (32, 30, 52),
}
CHORDAL = ("piano", "nylon_guitar")

KIT = {"kick": 36, "snare": 38, "hihat": 42, "open_hihat": 46, "tom_hi": 50, "tom_lo": 45, "crash": 49, "ride": 51}

# chance of a stroke at each sixteenth of a bar
CHANCES = {
    "kick": [0.95, 0.05, 0.1, 0.2, 0.1, 0.05, 0.35, 0.1, 0.8, 0.1, 0.3, 0.1, 0.1, 0.05, 0.3, 0.1],
    "snare": [0.02, 0.05, 0.02, 0.1, 0.95, 0.05, 0.05, 0.2, 0.02, 0.1, 0.05, 0.05, 0.95, 0.05, 0.1, 0.3],
    "hihat": [0.95, 0.3] * 8,
    "open_hihat": [0, 0, 0, 0, 0, 0, 0, 0.15] * 2,
    "tom_hi": [0.05] * 16,
    "tom_lo": [0.06] * 16,
    "crash": [0.12] + [0] * 15,
    "ride": [0.2, 0.05] * 8,
}

LOOPS = ("drum_roll", "guit_e_fifths", "guit_em9", "loop_breakbeat", "loop_compus", "loop_safari", "loop_tabla")
ONE_SHOTS = (
    "bass_hard bass_soft cowbell cymbal_closed cymbal_hard cymbal_open cymbal_pedal cymbal_soft heavy_kick roll snare_hard snare_soft "
    "splash_hard splash_soft tom_hi_hard tom_hi_soft tom_lo_hard tom_lo_soft tom_mid_hard tom_mid_soft"
).split()


def clips():
    """Everything below music/."""
    yield from piano_notes()
    yield from instruments()
    yield from drums()
    for name in LOOPS:
        yield from halves(f"music/sonicpi/{name}", "sonic-pi-samples", [f"{SAMPLES}/{name}.flac"], files, 0.7, 0.7)
    for name in ONE_SHOTS:
        source = f"{SAMPLES}/drum_{name}.flac"
        yield Clip(
            f"music/sonicpi/oneshots/drum_{name}.wav", "sonic-pi-samples", (source,), lambda paths: wav(peak_level(files(paths), 0.7))
        )


def piano_notes():
    """Single notes of a piano, struck with different force and length, and a mixture of chords of them."""
    lengths, forces = [1.7, 1.2, 0.8, 1.7, 0.5, 1.4], [60, 80, 100, 120, 90, 70]
    for name, note in PIANO_NOTES.items():
        train = [(i * 2.0, lengths[i], note, forces[i]) for i in range(6)]
        test = [(i * 2.0, [1.0, 1.6, 0.6][i], note, [75, 110, 50][i]) for i in range(3)]
        yield played(f"piano_notes/{name}/train", train, 0, 12)
        yield played(f"piano_notes/{name}/test", test, 0, 6)
    draw = random.Random(7)
    chords, time = [], 0
    for _ in range(12):
        for note in draw.sample(list(PIANO_NOTES.values()), draw.choice([1, 2, 2, 3])):
            chords.append((time, 0.9, note, draw.choice([60, 80, 100])))
        time += 0.8
    yield played("piano_notes/mixture_chords", chords, 0, 11)


def instruments():
    """Random melodies in each instrument's range."""
    steps = [-7, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 7]
    for name, (program, lowest, highest) in INSTRUMENTS.items():
        for part, seconds, seed in (("train", 25, 1), ("test", 10, 2)):
            draw = random.Random(f"{name}{seed}")
            events, time, note = [], 0, (lowest + highest) // 2
            while time < seconds - 0.6:
                note = min(highest, max(lowest, note + draw.choice(steps)))
                length = draw.choice([0.2, 0.3, 0.4, 0.6, 0.9])
                events.append((time, length * 0.95, note, draw.randint(60, 115)))
                if name in CHORDAL and draw.random() < 0.3:
                    events.append((time, length * 0.95, min(highest, note + draw.choice([3, 4, 7])), draw.randint(60, 100)))
                time += length
            yield played(f"instruments/{name}/{part}", events, program, seconds)


def drums():
    """A drum kit and three of its drums alone, at 110 beats a minute."""
    for part, seconds, seed in (("train", 20, 11), ("test", 8, 12)):
        yield played(f"drums/kit/{part}", pattern(seconds, seed, list(KIT)), 0, seconds, DRUMS)
        for drum in ("kick", "snare", "hihat"):
            yield played(f"drums/{drum}/{part}", pattern(seconds, seed + 5, [drum]), 0, seconds, DRUMS)


def pattern(seconds, seed, parts):
    draw = random.Random(seed)
    events, time, sixteenth = [], 0, 0
    while time < seconds - 0.5:
        for part in parts:
            if draw.random() < CHANCES[part][sixteenth % 16]:
                events.append((time, 0.2, KIT[part], draw.randint(70, 120)))
        time += 60 / 110 / 4
        sixteenth += 1
    return events


def played(name, events, program, seconds, channel=0):
    """A clip of `(time_s, length_s, note, force)` events on a soundfont's program."""

    def make(paths):
        samples = synthesized(midi(events, program, channel), paths[0])
        samples = np.pad(samples, (0, max(0, seconds * RATE - len(samples))))[: seconds * RATE]
        samples[-400:] *= np.linspace(1, 0, 400)
        return wav(samples * (np.float32(0.6) / np.abs(samples).max()))

    return Clip(f"music/{name}.wav", "fluid-soundfont-gm", (SOUNDFONT,), make)


def synthesized(score, soundfont):
    with tempfile.TemporaryDirectory() as folder:
        midi_file, sound = Path(folder, "score.mid"), Path(folder, "score.wav")
        midi_file.write_bytes(score)
        command = ["fluidsynth", "-q", "-ni", "-R", "0", "-C", "0", "-g", "0.6", "-r", "48000", "-F", sound, soundfont, midi_file]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode or not sound.exists():
            raise RuntimeError(f"fluidsynth failed: {done.stderr.decode(errors='replace').strip()}")
        return decode(sound)


def midi(events, program, channel):
    """The bytes of a one-track MIDI file at 120 beats a minute."""
    switches = []
    for time, length, note, force in events:
        switches.append((int(time * TICKS_PER_S), 1, note, force))
        switches.append((int((time + length) * TICKS_PER_S), 0, note, force))
    switches.sort(key=lambda switch: switch[:2])
    track = b"\x00\xff\x51\x03\x07\xa1\x20" + b"\x00" + bytes([0xC0 | channel, program])
    last = 0
    for tick, on, note, force in switches:
        track += variable_length(tick - last) + bytes([(0x90 if on else 0x80) | channel, note, force])
        last = tick
    track += b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + track


def variable_length(number):
    digits = [number & 127]
    while number := number >> 7:
        digits.insert(0, (number & 127) | 128)
    return bytes(digits)
