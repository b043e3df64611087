//! Files and folders, independent of what they contain.
//!
//! | module | does |
//! |---|---|
//! | [`mod@write`] | writes a file whole or not at all: [`write_atomically`], or piece by piece with [`PendingFile`] |
//! | [`scratch`] | a temporary folder, [`ScratchFolder`], which is removed when dropped |
//! | [`pending`] | lists every unfinished file and folder of the process, for a signal handler to [remove](remove_pending) |
//! | [`leftovers`] | removes what killed processes left |
//! | [`outputs`] | checks the outputs of a run before its work, [`Outputs`], and that none of them is an input |
//! | [`reservation`] | checks that a file can be written, and reserves it |
//! | [`output_folder`] | a folder for outputs that is removed if it stays empty |
//! | [`identity`] | whether two paths lead to the same file |
//! | [`read`] | opens and reads regular files, up to a stated size |
//! | [`retry`] | does things again that fail in a way that may pass, as on a network |
//! | [`shell`] | writes paths as a shell takes them, for commands to copy |
//! | [`folder`] | lists and walks folders in the order of the names, creates them |
//! | [`lock`] | a lock file, [`FileLock`], that is released when its process ends |
//! | [`hash`] | SHA-256 of bytes and of files, in hexadecimal |
//! | [`name`] | checks names that become file names |
//! | [`text`] | makes text from files [`printable`] |
//!
//! # Example
//!
//! ```
//! use nae_files::{sha256_hex, sha256_of_file, sorted_entries, write_atomically};
//!
//! # fn main() -> Result<(), nae_files::FileError> {
//! # let folder = std::env::temp_dir().join(format!("nae-files-doc-{}", std::process::id()));
//! nae_files::create_folder(&folder)?;
//! let path = folder.join("notes.txt");
//! write_atomically(&path, b"whole or not at all")?;
//! assert_eq!(sha256_of_file(&path)?, sha256_hex(b"whole or not at all"));
//! assert_eq!(sorted_entries(&folder)?, [path]);
//! # std::fs::remove_dir_all(&folder).ok();
//! # Ok(())
//! # }
//! ```

mod error;
pub mod folder;
pub mod hash;
pub mod identity;
pub mod leftovers;
pub mod lock;
pub mod name;
pub mod output_folder;
pub mod outputs;
pub mod pending;
pub mod read;
pub mod reservation;
pub mod retry;
pub mod scratch;
pub mod shell;
pub mod text;
pub mod write;

pub use error::FileError;
pub use folder::{Visited, create_folder, files_below, sorted_entries};
pub use hash::{sha256_hex, sha256_of_file};
pub use identity::FileIdentity;
pub use leftovers::remove_leftovers;
pub use lock::FileLock;
pub use name::{check_source_name, check_stem_name};
pub use output_folder::OutputFolder;
pub use outputs::Outputs;
pub use pending::{remove_pending, remove_pending_and_exit};
pub use read::{open_regular, read_bytes, read_text};
pub use reservation::{Reservation, check_writable};
pub use retry::{is_transient, retrying};
pub use scratch::ScratchFolder;
pub use shell::{command, shell_word};
pub use text::{count, printable, printable_json};
pub use write::{PendingFile, write_atomically};
