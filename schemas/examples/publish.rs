//! Writes the JSON Schemas of all events into `schemas/json`.

use std::path::Path;

use marabet_schemas::{Kind, json_schema};

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("json");
    std::fs::create_dir_all(&folder)?;
    for &kind in Kind::ALL {
        std::fs::write(folder.join(json_schema::file_name(kind)), json_schema::text(kind))?;
    }
    Ok(())
}
