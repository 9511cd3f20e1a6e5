//! Records as others write them.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

use buildbook_json::{Keep, Kept, object, record, record_of_bytes, strict_record};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::MapAccess;

#[derive(Debug, PartialEq, Deserialize)]
struct Solve {
    solved: u64,
    failed: u64,
}

#[test]
fn an_object_is_read_and_nothing_else_is() {
    let solve = |solved, failed| Some(Solve { solved, failed });
    let table = [
        (r#"{"solved":1,"failed":2}"#, solve(1, 2)),
        (r#"{"failed":2,"x":{"solved":[9,{}]},"solved":1}"#, solve(1, 2)),
        (r#"{"solved":1,"failed":2,"solved":"x","failed":9,"x":1,"x":2}"#, solve(1, 2)),
        (" {\"solved\" : 1,\n\"failed\":2 }\n", solve(1, 2)),
        (r#"{"solved":1}"#, None),
        (r#"{"solved":1,"failed":2}{}"#, None),
        (r#"{"solved":1,"failed":2"#, None),
        ("[1,2]", None),
        ("null", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(record::<Solve>(text).ok(), expected, "{text}");
        assert_eq!(record_of_bytes::<Solve>(text.as_bytes()).ok(), expected, "{text}");
    }
}

#[test]
fn a_strict_record_has_each_key_once() {
    for text in [r#"{"solved":1,"failed":2,"failed":2}"#, r#"{"solved":1}"#, "[1,2]", "null", ""] {
        assert!(strict_record::<Solve>(text).is_err(), "{text}");
    }
    let text = r#"{"later":[1],"solved":1,"later":2,"failed":2}"#;
    assert_eq!(strict_record::<Solve>(text).unwrap(), Solve { solved: 1, failed: 2 });
}

#[test]
fn bytes_that_are_not_utf8_do_not_spoil_a_record() {
    let solve: Solve = record_of_bytes(b"{\"solved\":1,\"caf\xe9\":\"\xff\",\"failed\":2}").unwrap();
    assert_eq!(solve, Solve { solved: 1, failed: 2 });
}

#[test]
fn a_message_does_not_repeat_a_long_text() {
    let long = format!("{{\"failed\":0,\n\"solved\":\"{}\"}}", "é".repeat(100_000));
    let error = record::<Solve>(&long).unwrap_err();
    assert!(error.to_string().len() < 600, "{} bytes", error.to_string().len());
    assert!(error.to_string().starts_with("invalid type: string \"éé"), "{error}");
    assert!(error.to_string().ends_with("at line 2 column 200011"), "{error}");
}

/// An object within another, every value of which may be of any kind.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Loose {
    text: Kept<String>,
    flag: Kept<bool>,
    whole: Kept<u64>,
    real: Kept<f64>,
    inner: Kept<Box<Loose>>,
}

impl Keep for Box<Loose> {
    fn from_object<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        object(map).map(|loose| Some(Box::new(loose)))
    }
}

#[test]
fn what_is_of_another_kind_is_passed_over_and_the_rest_is_kept() {
    let text = r#"{"text":"a","flag":[1,{"flag":true}],"whole":-1,"real":3,
        "inner":{"whole":4,"real":-5,"text":null,"flag":false,"inner":"x","whole":6}}"#;
    let loose: Loose = record(text).unwrap();
    assert_eq!(
        (loose.text.value().as_deref(), loose.flag, loose.whole),
        (Some("a"), Kept::Unusable, Kept::Unusable)
    );
    assert_eq!(loose.real.value(), Some(3.0));
    let inner = loose.inner.value().unwrap();
    assert_eq!((inner.whole, inner.real, inner.text), (Kept::Value(4), Kept::Value(-5.0), Kept::Missing));
    assert_eq!((inner.flag, inner.inner), (Kept::Value(false), Kept::Unusable));
    assert!(record::<Loose>(r#"{"text":[1,}"#).is_err(), "what is no JSON is no record");
}

#[test]
fn what_nothing_can_hold_spoils_a_record_only_where_it_would_be_kept() {
    for value in ["1e999", "-1e999", r#""\ud800""#, r#""\udc00x""#] {
        assert!(record::<Loose>(&format!(r#"{{"whole":{value}}}"#)).is_err(), "{value}");
        for passed_over in [format!(r#""x":{value}"#), format!(r#""whole":[{value}]"#)] {
            let loose: Loose = record(&format!(r#"{{"text":"a",{passed_over}}}"#)).unwrap();
            assert_eq!((loose.text.value().as_deref(), loose.whole.value()), (Some("a"), None));
        }
    }
    let numbers = r#"{"whole":123456789012345678901234567890,"real":1e-999}"#;
    let loose: Loose = record(numbers).unwrap();
    assert_eq!((loose.whole, loose.real), (Kept::Unusable, Kept::Value(0.0)));
}

#[test]
fn however_deep_a_value_is_it_is_passed_over() {
    for depth in [126, 127, 128, 129, 100_000] {
        for (open, close) in [("[", "]"), ("{\"inner\":[", "]}"), ("{\"x\":", "}")] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let text = format!(r#"{{"whole":{deep},"text":"a","x":{deep}}}"#);
            let loose: Loose = record(&text).unwrap();
            assert_eq!((loose.whole, loose.text.value().as_deref()), (Kept::Unusable, Some("a")));
        }
    }
}

/// JSON of any shape, some of whose keys are those of [`Loose`].
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        (-1e9..1e9_f64).prop_map(|number| format!("{number:?}")),
        "[a-z]{0,4}".prop_map(|text| format!("{text:?}")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let key =
            prop_oneof![Just("text"), Just("flag"), Just("whole"), Just("real"), Just("inner"), Just("x")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key, inner), 0..6).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    /// The oracle reads the text into a general value, which keeps the last of a key, so keys that are there once are
    /// compared.
    #[test]
    fn any_object_is_a_record_whose_values_may_be_of_any_kind(text in any_json()) {
        let as_value: Result<serde_json::Value, _> = serde_json::from_str(&text);
        let loose = record::<Loose>(&text);
        let is_object = matches!(as_value, Ok(serde_json::Value::Object(_)));
        prop_assert_eq!(loose.is_ok(), is_object, "{:?}", loose);
        if let (Ok(serde_json::Value::Object(members)), Ok(loose)) = (as_value, loose) {
            let once = |key: &str| text.matches(&format!("{key:?}:")).count() == 1;
            if let Some(value) = members.get("whole").filter(|_| once("whole")) {
                prop_assert_eq!(loose.whole.value(), value.as_u64());
            }
            if let Some(value) = members.get("real").filter(|_| once("real")) {
                prop_assert_eq!(loose.real.value(), value.as_f64());
            }
            if let Some(value) = members.get("text").filter(|_| once("text")) {
                prop_assert_eq!(loose.text.value(), value.as_str().map(str::to_owned));
            }
            if let Some(value) = members.get("flag").filter(|_| once("flag")) {
                prop_assert_eq!(loose.flag.value(), value.as_bool());
            }
        }
    }
}
