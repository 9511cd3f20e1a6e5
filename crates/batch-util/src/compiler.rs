//! Which compiler a set of dependencies brings.

use serde_json::Value;

/// Packages that are a compiler. `ocaml-base-compiler` and `ocaml-variants` name the build that was
/// chosen, options included, so they are asked first; `ocaml-compiler`, which carries the compiler
/// itself since OCaml 5.3, only when neither is there.
const CHOSEN: [&str; 2] = ["ocaml-base-compiler", "ocaml-variants"];
const CARRIED: [&str; 1] = ["ocaml-compiler"];

/// The version of the OCaml compiler among the `deps` of a layer or a solution, or `""` when there
/// is none to be seen.
///
/// `json` is an object whose `deps` is a list of `name.version` strings; the version is what
/// follows the first dot, and a compiler without a dot gives its own name. Anything else, including
/// items of the list that are not strings, is passed over.
///
/// ```
/// let json = serde_json::json!({"deps": ["dune.3.17", "ocaml-base-compiler.5.3.0"]});
/// assert_eq!(buildbook_batch_util::extract_compiler_from_deps(&json), "5.3.0");
/// ```
#[must_use]
pub fn extract_compiler_from_deps(json: &Value) -> String {
    let deps = || json.get("deps").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    deps()
        .find_map(|dep| version_of(dep, &CHOSEN))
        .or_else(|| deps().find_map(|dep| version_of(dep, &CARRIED)))
        .unwrap_or_default()
        .to_owned()
}

fn version_of<'a>(dep: &'a str, names: &[&str]) -> Option<&'a str> {
    let (name, version) = dep.split_once('.').unwrap_or((dep, dep));
    names.contains(&name).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_compiler_of_the_list_gives_its_version() {
        let table = [
            (r#"{"deps":["x.1","ocaml-base-compiler.5.3.0"]}"#, "5.3.0"),
            (r#"{"deps":["ocaml-variants.5.4.0+options"]}"#, "5.4.0+options"),
            (r#"{"deps":["ocaml-base-compiler"]}"#, "ocaml-base-compiler"),
            (r#"{"deps":["ocaml-system.5.1"]}"#, ""),
            ("{}", ""),
            (r#"{"deps":[1]}"#, ""),
            ("[]", ""),
            ("null", ""),
            (r#"{"deps":"ocaml-base-compiler.5.3.0"}"#, ""),
            (r#"{"deps":[null,{},"ocaml-base-compiler.5.2.1"]}"#, "5.2.1"),
            (r#"{"deps":["ocaml-base-compiler-extra.9","ocaml.5.3.0"]}"#, ""),
            (r#"{"deps":["ocaml-compiler.5.3.0","ocaml.5.3.0"]}"#, "5.3.0"),
            (r#"{"deps":["ocaml-compiler.5.3.0","ocaml-variants.5.3.0+flambda"]}"#, "5.3.0+flambda"),
            (r#"{"deps":["ocaml-base-compiler."]}"#, ""),
        ];
        for (json, expected) in table {
            let value: Value = serde_json::from_str(json).unwrap();
            assert_eq!(extract_compiler_from_deps(&value), expected, "{json}");
        }
    }
}
