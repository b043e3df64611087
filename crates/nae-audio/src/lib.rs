//! Audio files, resampling, the short-time Fourier transform and blocks of long sounds.
