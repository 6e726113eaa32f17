//! `fuzz-targets` lists the fuzz targets; `fuzz-targets NAME FOLDER` writes the inputs that one starts from.

use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use anyhow::{Context as _, Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => {
            for target in testkit::fuzz::TARGETS {
                writeln!(io::stdout(), "{}", target.name)?;
            }
            Ok(())
        }
        [name, folder] => write_seeds(name, Path::new(folder)),
        _ => bail!("usage: fuzz-targets [NAME FOLDER]"),
    }
}

fn write_seeds(name: &str, folder: &Path) -> Result<()> {
    let target = testkit::fuzz::find(name)
        .with_context(|| format!("{name} is no target; without arguments all are listed"))?;
    fs::create_dir_all(folder)?;
    for (number, seed) in (target.seeds)().iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:03}")), seed)?;
    }
    Ok(())
}
