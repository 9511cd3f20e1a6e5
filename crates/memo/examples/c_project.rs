//! Compiles and links a C program, and does nothing twice.
//!
//! ```text
//! c_project FOLDER [FLAG…]
//! ```
//!
//! Every `.c` file in the folder is compiled with the flags, and all are linked into `FOLDER/_build/program`. Which
//! headers a source includes, the compiler says: `cc -MM` makes a list of them, for which it may read every header of
//! the folder; then the build reads the list, and the compilation reads the headers that are in it. Headers of the
//! system count as a part of the compiler. The cache is in `FOLDER/_build/cache`, or where the variable
//! `C_PROJECT_CACHE` says.
//! With `C_PROJECT_TRACE`, a trace for a trace viewer is written to that file.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::SystemTime;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use buildbook_memo::{
    CancelHandle, Env, Feedback, Handle, Memo, MemoTool, Report, Result, Settings, Status, Tool,
    write_chrome_trace,
};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("usage: c_project FOLDER [FLAG…]");
        return ExitCode::from(2);
    };
    let flags = arguments.map(|flag| flag.to_string_lossy().into_owned()).collect();
    match run(Path::new(&folder), flags) {
        Ok(report) if report.is_success() => ExitCode::SUCCESS,
        Ok(report) => {
            eprintln!("{report}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn run(folder: &Path, flags: Vec<String>) -> std::io::Result<Report> {
    let folder = folder.canonicalize()?;
    let variable = |name| std::env::vars_os().find(|(variable, _)| variable == name).map(|(_, value)| value);
    let cache = variable("C_PROJECT_CACHE").map_or_else(|| folder.join("_build/cache"), PathBuf::from);
    #[expect(clippy::disallowed_methods, reason = "this is the program that decides what time it is")]
    let settings = Settings::new(&folder, SystemTime::now);
    let mut memo = Memo::new(settings.cache(cache).env(std::env::vars_os().collect::<Env>()));
    memo.on_feedback(|feedback| {
        if let Feedback::OpComplete { op } = feedback {
            let word = match op.status {
                Status::Executed => "ran",
                Status::Revived => "revived",
                _ => "failed",
            };
            println!("{word:8} {op}");
            print!("{}", String::from_utf8_lossy(&op.output));
        }
    });
    let project = Project {
        out: folder.join("_build"),
        sources: files(&folder, "c")?,
        headers: files(&folder, "h")?,
        flags,
    };
    let signals = cancel_on_signals(memo.cancel_handle())?;
    memo.task(|memo| build(memo, Rc::new(project)));
    let report = memo.finish();
    signals.close();
    if let Some(path) = variable("C_PROJECT_TRACE") {
        write_chrome_trace(&memo.ops(), std::io::BufWriter::new(std::fs::File::create(path)?))?;
    }
    Ok(report)
}

/// Ctrl-C ends the compilers before it ends the build: they are in groups of their own, and get no signal from the
/// terminal.
fn cancel_on_signals(cancel: CancelHandle) -> std::io::Result<signal_hook::iterator::Handle> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let handle = signals.handle();
    std::thread::spawn(move || signals.forever().for_each(|_| cancel.cancel()));
    Ok(handle)
}

/// What is there to be built.
struct Project {
    out: PathBuf,
    sources: Vec<PathBuf>,
    headers: Vec<PathBuf>,
    flags: Vec<String>,
}

/// The files of a folder with a certain ending, in one order.
fn files(folder: &Path, ending: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Compiles all, then links.
async fn build(memo: Handle, project: Rc<Project>) -> Result<()> {
    for path in project.sources.iter().chain(&project.headers) {
        memo.file_ready(path);
    }
    let cc = memo.tool(Tool::named("cc").relevant(["PATH", "CPATH", "LIBRARY_PATH"]));
    // What the compiler consists of beyond its own file, its version stands for.
    let version = memo.spawn(cc.cmd().arg("-dumpfullversion")).await?.output.to_vec();
    let mut objects = Vec::new();
    for source in project.sources.clone() {
        let object = project.out.join(source.file_name().unwrap_or_default()).with_extension("o");
        objects.push(object.clone());
        let (project, cc, version) = (Rc::clone(&project), cc.clone(), version.clone());
        memo.task(move |memo| compile(memo, project, cc, source, object, version));
    }
    let program = project.out.join("program");
    let link = cc.cmd().arg("-o").arg(&program).args(&objects);
    memo.spawn(link).reads(&objects).writes([&program]).stamp(version).await?;
    Ok(())
}

/// Compiles one source.
async fn compile(
    memo: Handle,
    project: Rc<Project>,
    cc: MemoTool,
    source: PathBuf,
    object: PathBuf,
    version: Vec<u8>,
) -> Result<()> {
    let list = object.with_extension("d");
    let ask = cc.cmd().args(["-MM", "-MF"]).arg(&list).args(&project.flags).arg(&source);
    let ask = memo.spawn(ask).reads([&source]).reads(&project.headers).writes([&list]);
    ask.stamp(version.clone()).await?;
    let list = memo.read(&list).await?;
    let headers = headers(&String::from_utf8_lossy(&list), &source);
    let cmd = cc.cmd().arg("-c").args(&project.flags).arg("-o").arg(&object).arg(&source);
    memo.spawn(cmd).reads([&source]).reads(&headers).writes([&object]).stamp(version).await?;
    Ok(())
}

/// The files that a rule for `make` names behind the source.
fn headers(rule: &str, source: &Path) -> Vec<PathBuf> {
    let words = rule.split_whitespace().skip(1).filter(|word| *word != "\\");
    words.map(PathBuf::from).filter(|path| path != source).collect()
}
