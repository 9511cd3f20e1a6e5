//! The log of a long build.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::{Result, ensure};
use buildbook::batch_util::{Exit, classify_reader};

use super::Place;

/// A log of so many bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    pub(crate) bytes: usize,
    /// Whether its last line says why the build failed. Nothing else in it does.
    pub(crate) decides: bool,
}

/// The last line of a log that decides.
const DECIDING_LINE: &str = "E: Unable to locate package libpretend-dev";

impl Log {
    pub(crate) fn prepare(self, place: &Place) -> Result<()> {
        place.kept(&self.name(), |folder| {
            let mut log = BufWriter::new(File::create(folder.join("build.log"))?);
            let (mut written, mut number) = (0, 0);
            while written < self.bytes {
                let line = line(number);
                log.write_all(line.as_bytes())?;
                written += line.len();
                number += 1;
            }
            if self.decides {
                writeln!(log, "{DECIDING_LINE}")?;
            }
            Ok(log.flush()?)
        })?;
        let verdict = classify_reader(File::open(self.path(place))?, Exit::Code(1))?;
        ensure!(verdict.rule.is_some() == self.decides, "the log decides: {:?}", verdict.line);
        Ok(())
    }

    pub(crate) fn path(self, place: &Place) -> PathBuf {
        place.made(&self.name()).join("build.log")
    }

    fn name(self) -> String {
        format!("log-{}{}", self.bytes, if self.decides { "-decides" } else { "" })
    }
}

/// What compilers, build tools and tests print while nothing is wrong.
fn line(number: usize) -> String {
    let module = number.wrapping_mul(7919) % 50_021;
    match number % 11 {
        0 => format!(
            "[{number}/900000] cc -O2 -Wall -Iinclude -I/usr/include/x86_64-linux-gnu -c src/module_{module}.c -o module_{module}.o\n"
        ),
        1 => format!("   Compiling pretend-{module} v0.{}.{}\n", module % 40, module % 7),
        2 => format!(
            "src/module_{module}.c:{}:{}: warning: unused variable 'size' [-Wunused-variable]\n",
            module % 900,
            module % 70
        ),
        3 => format!("  {} |     let size = measure(&module_{module}, depth);\n", module % 900),
        4 => "      |         ^~~~\n".to_owned(),
        5 => format!("checking for sys/header_{module}.h... yes\n"),
        6 => format!("ocamlopt -w +a-4-40 -I lib -I src -c src/part_{module}.ml -o src/part_{module}.cmx\n"),
        7 => format!("test tests::case_{module} ... ok\n"),
        8 => format!("make[2]: Entering directory '/build/pretend-{module}/lib'\n"),
        9 => format!("-> retrieved pretend-{module}.{}.1 from the cache\n", module % 9),
        _ => {
            format!("install -m 644 doc/page-{module}.html /build/out/share/doc/pretend/page-{module}.html\n")
        }
    }
}
