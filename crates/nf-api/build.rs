//! Compiles the interfaces in `proto/` without protoc and keeps secrets out of `Debug`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use prost::Message as _;
use prost_reflect::{FieldDescriptor, ReflectMessage as _};

type BuildResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> BuildResult<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let out = PathBuf::from(required("OUT_DIR")?);

    let mut files = Vec::new();
    collect(&root.join("berth"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;

    // prost's derived `Debug` ignores `debug_redact`, so messages that carry such a field get one
    // that prints the name alone.
    let redacted = compiler
        .descriptor_pool()
        .all_messages()
        .filter(|message| message.fields().any(|field| is_redacted(&field)))
        .map(|message| message.full_name().to_owned())
        .collect::<Vec<_>>();
    let mut config = tonic_prost_build::Config::new();
    config.skip_debug(&redacted);
    tonic_prost_build::configure()
        .skip_debug(redacted.clone())
        .compile_fds_with_config(descriptors, config)?;
    fs::write(out.join("redacted_debug.rs"), redacted_debug(&redacted)?)?;
    Ok(())
}

fn required(name: &str) -> BuildResult<String> {
    env::vars()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
        .ok_or_else(|| format!("{name} is not set").into())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            files.push(path);
        }
    }
    Ok(())
}

fn is_redacted(field: &FieldDescriptor) -> bool {
    let options = field.options();
    let redact = options.descriptor().get_field_by_name("debug_redact");
    redact.is_some_and(|redact| options.get_field(&redact).as_bool() == Some(true))
}

fn redacted_debug(messages: &[String]) -> BuildResult<String> {
    let mut code = String::new();
    for name in messages {
        let mut parts = name.split('.').collect::<Vec<_>>();
        let message = parts.pop().ok_or("a message without a name")?;
        let module = parts
            .into_iter()
            .skip(1)
            .filter(|part| *part != "v1")
            .collect::<Vec<_>>()
            .join("::");
        writeln!(
            code,
            "impl core::fmt::Debug for {module}::{message} {{ fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {{ f.debug_struct(\"{message}\").finish_non_exhaustive() }} }}"
        )?;
    }
    Ok(code)
}
