//! Collects the driver's sources, which the crate carries with it. They are compiled when a program first asks for
//! the simulator: a machine without a C++ compiler builds the workspace all the same.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=driver");
    let root = PathBuf::from("driver");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let manifest = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let mut list = String::from("[\n");
    for file in &files {
        let absolute = Path::new(&manifest).join(file);
        let _ = writeln!(list, "    ({file:?}, include_str!({absolute:?})),");
    }
    list.push(']');
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("sources.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "h" || extension == "cpp")
        {
            files.push(path);
        }
    }
    Ok(())
}
