//! Finding the server's program.

use std::path::{Path, PathBuf};

use super::EmbeddedError;

/// The environment variable that names the program.
const VARIABLE: &str = "MARABET_REDIS_SERVER";
/// Names that the program goes by.
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];
/// Folders that a user's search path often leaves out.
const MORE_FOLDERS: [&str; 5] =
    ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/opt/homebrew/bin"];

/// The program: the one given, else the one that the environment names, else the first found.
pub(crate) fn server(given: Option<&Path>) -> Result<PathBuf, EmbeddedError> {
    let named = given.map(Path::to_owned).or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from));
    if let Some(program) = named {
        let looked = format!("there is no program {}", program.display());
        return if program.is_file() {
            Ok(program)
        } else {
            Err(EmbeddedError::NotInstalled { looked })
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(MORE_FOLDERS.map(PathBuf::from));
    search(&folders.collect::<Vec<_>>())
}

fn search(folders: &[PathBuf]) -> Result<PathBuf, EmbeddedError> {
    let mut programs = NAMES.iter().flat_map(|name| folders.iter().map(move |dir| dir.join(name)));
    programs.find(|program| program.is_file()).ok_or_else(|| EmbeddedError::NotInstalled {
        looked: format!("no {} in PATH", NAMES.join(" or ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_reported_with_what_to_do() {
        for error in [
            server(Some(Path::new("/nowhere/redis-server"))).unwrap_err(),
            search(&[PathBuf::from("/nowhere")]).unwrap_err(),
        ] {
            assert!(error.to_string().contains("run ops/setup.sh"), "{error}");
        }
    }
}
