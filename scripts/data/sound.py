"""Sound as 16 kHz mono float32 arrays: decoding, trimming, level, writing.

Every step keeps its order of operations in 32-bit floats, so that the same packages give the same bits. Scalars are made
32-bit floats by name, because numpy 1 and 2 promote them differently.
"""

import io
import subprocess
import wave

import numpy as np

RATE = 16000


def decode(path, data=None):
    """The sound of a file, or of the bytes `data` of a file in a known container."""
    raw = ["-f", "g722"] if str(path).endswith(".g722") else []
    source = str(path) if data is None else "pipe:0"
    command = ["ffmpeg", "-nostdin" if data is None else "-hide_banner", "-v", "error", *raw, "-i", source]
    command += ["-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    done = subprocess.run(command, input=data, stdin=subprocess.DEVNULL if data is None else None, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"ffmpeg cannot decode {path}: {done.stderr.decode(errors='replace').strip()}")
    return np.frombuffer(done.stdout, np.float32).copy()


def wav(samples):
    """The bytes of a 16-bit WAV file."""
    pcm = np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(pcm.tobytes())
    return file.getvalue()


def trim_pauses(samples, threshold_db=-38, margin_s=0.08, longest_pause_s=0.35):
    """Without silence at the ends and with long pauses shortened, 5 ms fades at every cut.

    Silent is a 10 ms block `threshold_db` below the loud ones (their 97th percentile).
    """
    samples = samples - np.mean(samples)
    block = RATE // 100
    blocks = len(samples) // block
    energy = 10 * np.log10((samples[: blocks * block].reshape(blocks, block) ** 2).mean(1) + 1e-12)
    energy = np.convolve(energy, np.ones(3) / 3, "same")
    active = energy > np.percentile(energy, 97) + threshold_db
    margin, longest = int(margin_s * 100), int(longest_pause_s * 100)
    first = max(0, np.argmax(active) - margin)
    last = min(blocks, blocks - np.argmax(active[::-1]) + margin)

    keep = np.zeros(blocks, bool)
    keep[first:last] = True
    for start, end in runs(~active[first:last]):
        start, end = start + first, end + first
        if end - start > longest and first < start and end < last:
            keep[start + longest // 2 : end - longest // 2] = False
    return np.concatenate([faded(samples[a * block : b * block]) for a, b in runs(keep)])


def runs(mask):
    """Start and end of every run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2).tolist()


def faded(samples, length=80):
    samples = samples.copy()
    if len(samples) > 2 * length:
        samples[:length] *= np.linspace(0, 1, length)
        samples[-length:] *= np.linspace(1, 0, length)
    return samples


def speech_level(samples, rms_db=-24, ceiling=0.94):
    """At `rms_db` over the active 20 ms blocks, less where the peak would pass the ceiling."""
    block = RATE // 50
    blocks = len(samples) // block
    energy = (samples[: blocks * block].reshape(blocks, block) ** 2).mean(1)
    active = energy > np.float32(np.percentile(energy, 97)) * np.float32(1e-3)
    gain = np.float32(10 ** (rms_db / 20)) / np.sqrt(energy[active].mean())
    peak = np.abs(samples).max() * gain
    return samples * (gain * np.float32(ceiling) / peak if peak > ceiling else gain)


def peak_level(samples, peak):
    """Without its mean, the largest value at `peak`."""
    samples = samples - np.mean(samples)
    return samples * peak / np.abs(samples).max()
