//! The folder of the demo's log, made anew each time.

use std::path::Path;

use anyhow::{Context, bail};

/// Says that a demo made the folder, which another demo may then remove.
const MARK: &str = "made-by-marabet-demo";

/// Makes the folder, without what an earlier demo left in it.
///
/// # Errors
/// When something lies there that no demo made.
pub(super) fn make_anew(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    if folder.exists() {
        let is_empty = std::fs::read_dir(folder)
            .with_context(|| format!("{shown} is no folder"))?
            .next()
            .is_none();
        if !is_empty && !folder.join(MARK).exists() {
            bail!("{shown} holds something that no demo made; choose another --folder");
        }
        std::fs::remove_dir_all(folder).with_context(|| format!("removing {shown}"))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("making {shown}"))?;
    std::fs::write(folder.join(MARK), "")?;
    Ok(())
}
