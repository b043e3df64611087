//! Pulling the sources of a mixture apart with frozen models.
