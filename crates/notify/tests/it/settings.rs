//! What is read, and what is refused before anything is sent.

use buildbook_notify::{Channel, Error, Notifier, Policy, Settings};

fn read(channel: Channel, values: &[(&str, &str)]) -> Result<Settings, Error> {
    let find = |name: &str| values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Settings::from_lookup(channel, find)
}

#[test]
fn standard_output_needs_no_settings() {
    assert_eq!(read(Channel::Stdout, &[]).unwrap().channel(), Channel::Stdout);
    assert!(Channel::Stdout.settings().is_empty());
}

#[test]
fn an_empty_message_is_refused_on_every_channel() {
    let notifier = Notifier::new(Settings::stdout(), Policy::default());
    for message in ["", " ", "\n\t \r\n"] {
        assert!(matches!(notifier.send(message), Err(Error::EmptyMessage { .. })));
        assert!(matches!(notifier.payloads(message), Err(Error::EmptyMessage { .. })));
    }
}

#[cfg(not(all(feature = "http", feature = "email")))]
#[test]
fn a_channel_that_is_not_built_in_says_so() {
    let absent: Vec<Channel> = Channel::ALL.into_iter().filter(|channel| !channel.is_built()).collect();
    assert!(!absent.is_empty());
    for channel in absent {
        let error = read(channel, &[]).unwrap_err();
        assert!(matches!(error, Error::NotBuilt { channel: named } if named == channel));
        assert!(error.is_configuration() && !error.is_temporary());
        assert!(!channel.settings().is_empty());
    }
}

#[cfg(all(feature = "http", feature = "email"))]
mod built {
    use buildbook_notify::{Need, send};

    use super::*;
    use crate::support::{API_KEY, HOOK, PASSWORD, TOKEN, assert_hidden, shown};

    type Values<'a> = &'a [(&'a str, &'a str)];

    const SLACK: &[(&str, &str)] = &[("SLACK_WEBHOOK_URL", "https://hooks.example.org/x")];
    const ZULIP: &[(&str, &str)] = &[
        ("ZULIP_SERVER", "https://zulip.example.org/"),
        ("ZULIP_BOT_EMAIL", "bot@example.org"),
        ("ZULIP_BOT_API_KEY", API_KEY),
        ("ZULIP_STREAM", "farm"),
    ];
    const TELEGRAM: &[(&str, &str)] = &[("TELEGRAM_BOT_TOKEN", TOKEN), ("TELEGRAM_CHAT_ID", "-1")];
    const EMAIL: &[(&str, &str)] = &[("EMAIL_TO", "a@example.org"), ("EMAIL_FROM", "b@example.org")];
    const COMPLETE: &[(Channel, Values<'_>)] = &[
        (Channel::Slack, SLACK),
        (Channel::Zulip, ZULIP),
        (Channel::Telegram, TELEGRAM),
        (Channel::Email, EMAIL),
    ];

    fn with<'a>(values: &[(&'a str, &'a str)], name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
        let others = values.iter().copied().filter(|(key, _)| *key != name);
        others.chain([(name, value)]).collect()
    }

    /// C-N4: the original raised an exception.
    #[test]
    fn a_missing_setting_is_an_error_with_its_name() {
        for (channel, values) in COMPLETE {
            assert_eq!(read(*channel, values).unwrap().channel(), *channel);
            let required: Vec<&str> = channel
                .settings()
                .iter()
                .filter(|setting| setting.need == Need::Required)
                .map(|setting| setting.name)
                .collect();
            let given: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
            assert_eq!(sorted(&required), sorted(&given), "{channel}");
            for missing in required {
                // An empty value is an unset one.
                for value in ["", "\n"] {
                    let error = read(*channel, &with(values, missing, value)).unwrap_err();
                    assert!(
                        matches!(&error, Error::MissingSetting { name, .. } if *name == missing),
                        "{error}"
                    );
                    assert!(error.is_configuration() && error.to_string().contains(missing));
                }
            }
            let error = send(*channel, "message", |_| None).unwrap_err();
            assert!(matches!(error, Error::MissingSetting { .. }));
        }
    }

    fn sorted<'a>(names: &[&'a str]) -> Vec<&'a str> {
        let mut names = names.to_vec();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_setting_can_come_from_a_file_but_not_from_two_places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hook");
        let path_text = path.to_str().unwrap();
        std::fs::write(&path, format!("https://hooks.example.org/{HOOK}\r\n")).unwrap();
        read(Channel::Slack, &[("SLACK_WEBHOOK_URL_FILE", path_text)]).unwrap();

        let both = read(Channel::Slack, &with(SLACK, "SLACK_WEBHOOK_URL_FILE", path_text));
        assert!(matches!(both, Err(Error::AmbiguousSetting { name: "SLACK_WEBHOOK_URL", .. })));

        std::fs::write(&path, format!("https://hooks.example.org/{HOOK}\nsecond line\n")).unwrap();
        let error = read(Channel::Slack, &[("SLACK_WEBHOOK_URL_FILE", path_text)]).unwrap_err();
        assert!(matches!(error, Error::MalformedSetting { name: "SLACK_WEBHOOK_URL", .. }));
        assert_hidden(&error);

        std::fs::write(&path, b"https://hooks.example.org/\xff").unwrap();
        let error = read(Channel::Slack, &[("SLACK_WEBHOOK_URL_FILE", path_text)]).unwrap_err();
        assert!(matches!(error, Error::MalformedSetting { .. }));

        std::fs::remove_file(&path).unwrap();
        let error = read(Channel::Slack, &[("SLACK_WEBHOOK_URL_FILE", path_text)]).unwrap_err();
        assert!(matches!(&error, Error::SettingFile { path: named, .. } if *named == path));
        assert!(shown(&error).contains("No such file"));

        // A device that never ends is not read for ever.
        let error = read(Channel::Slack, &[("SLACK_WEBHOOK_URL_FILE", "/dev/zero")]).unwrap_err();
        assert!(matches!(error, Error::MalformedSetting { .. }));
    }

    #[test]
    fn a_secret_in_the_place_of_its_path_is_not_shown() {
        let hook = format!("https://hooks.example.org/{HOOK}");
        for (channel, name, value) in [
            (Channel::Telegram, "TELEGRAM_BOT_TOKEN_FILE", TOKEN),
            (Channel::Slack, "SLACK_WEBHOOK_URL_FILE", hook.as_str()),
        ] {
            let error = read(channel, &[(name, value)]).unwrap_err();
            assert!(
                matches!(&error, Error::SettingFile { path, .. } if path.as_os_str() == "***"),
                "{error:?}"
            );
            assert_hidden(&error);
        }
        for (channel, name, path) in [
            (Channel::Telegram, "TELEGRAM_BOT_TOKEN_FILE", "./no/token"),
            (Channel::Telegram, "TELEGRAM_BOT_TOKEN_FILE", "/nonexistent/token"),
            (Channel::Slack, "NOTIFY_CA_FILE", "no-ca.pem"),
        ] {
            let values = [(name, path), ("SLACK_WEBHOOK_URL", "https://hooks.example.org/x")];
            let error = read(channel, &values).unwrap_err();
            assert!(shown(&error).contains(path), "an operator sees which file is missing: {error:?}");
        }
    }

    #[test]
    fn a_malformed_setting_is_named_and_its_value_is_not() {
        let long_topic = "t".repeat(61);
        let cases: &[(Channel, Values<'_>, &str, &str)] = &[
            (Channel::Slack, SLACK, "SLACK_WEBHOOK_URL", HOOK),
            (
                Channel::Slack,
                SLACK,
                "SLACK_WEBHOOK_URL",
                "https://user:smtp%20password%207a6b5c@example.org/",
            ),
            (Channel::Slack, SLACK, "NOTIFY_CA", "not a certificate"),
            (
                Channel::Slack,
                SLACK,
                "NOTIFY_CA",
                "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            ),
            (Channel::Zulip, ZULIP, "ZULIP_SERVER", "zulip.example.org"),
            (Channel::Zulip, ZULIP, "ZULIP_SERVER", "https://zulip.example.org/?a=b"),
            (Channel::Zulip, ZULIP, "ZULIP_BOT_EMAIL", "bot:x@example.org"),
            (Channel::Zulip, ZULIP, "ZULIP_BOT_API_KEY", "zulip-api-key-9f8e7d\r\nX-Header: y"),
            (Channel::Zulip, ZULIP, "ZULIP_TOPIC", &long_topic),
            (Channel::Telegram, TELEGRAM, "TELEGRAM_BOT_TOKEN", "123456:AAE-token_of_the-bot/../x"),
            (Channel::Telegram, TELEGRAM, "TELEGRAM_BOT_TOKEN", "123456:AAE-token_of_the-bot?x"),
            (Channel::Email, EMAIL, "EMAIL_TO", "nobody"),
            (Channel::Email, EMAIL, "EMAIL_TO", "a@example.org,,b@example.org"),
            (Channel::Email, EMAIL, "EMAIL_TO", "a@example.org\r\nBcc: c@example.org"),
            (Channel::Email, EMAIL, "EMAIL_FROM", "a@example.org, b@example.org"),
            (Channel::Email, EMAIL, "EMAIL_SUBJECT", "hello\nBcc: c@example.org"),
            (Channel::Email, EMAIL, "SMTP_SERVER", "smtp://mail.example.org"),
            (Channel::Email, EMAIL, "SMTP_TLS", "yes"),
            (Channel::Email, EMAIL, "SMTP_PASSWORD", PASSWORD),
            (Channel::Email, EMAIL, "SMTP_USERNAME", "farm"),
            (Channel::Email, EMAIL, "NOTIFY_CA", "not a certificate"),
            (
                Channel::Email,
                EMAIL,
                "NOTIFY_CA",
                "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            ),
        ];
        for (channel, values, name, value) in cases {
            let error = read(*channel, &with(values, name, value)).unwrap_err();
            assert!(
                matches!(&error, Error::MalformedSetting { name: named, .. } if named == name),
                "{name}={value:?}: {error}"
            );
            assert_hidden(&error);
            assert!(!shown(&error).contains(value), "{error}");
        }
    }

    #[test]
    fn a_secret_is_not_sent_to_another_machine_without_tls() {
        let insecure: &[(Channel, Values<'_>, &str, &str)] = &[
            (Channel::Slack, SLACK, "SLACK_WEBHOOK_URL", "http://hooks.example.org/x"),
            (Channel::Zulip, ZULIP, "ZULIP_SERVER", "http://zulip.example.org"),
            (Channel::Telegram, TELEGRAM, "TELEGRAM_API_URL", "http://192.0.2.1:8081"),
        ];
        for (channel, values, name, value) in insecure {
            let error = read(*channel, &with(values, name, value)).unwrap_err();
            assert!(matches!(&error, Error::Insecure { name: named, .. } if named == name), "{error}");
            assert!(error.is_configuration());
            assert_hidden(&error);
        }
        let login = |server, tls| {
            let login = [("SMTP_USERNAME", "farm"), ("SMTP_PASSWORD", PASSWORD)];
            let tls = [("SMTP_SERVER", server), ("SMTP_TLS", tls)];
            read(Channel::Email, &[EMAIL, &login, &tls].concat())
        };
        for tls in ["none", "opportunistic"] {
            assert!(matches!(login("mail.example.org", tls), Err(Error::Insecure { name: "SMTP_TLS", .. })));
            login("localhost", tls).unwrap();
        }
        for tls in ["", "required", "Wrapper"] {
            login("mail.example.org:2525", tls).unwrap();
        }
    }

    #[test]
    fn nothing_secret_is_in_the_debugging_output_of_settings_and_notifiers() {
        for (channel, values) in COMPLETE {
            let notifier = Notifier::new(read(*channel, values).unwrap(), Policy::default());
            let text = format!("{notifier:?} {notifier:#?} {:?}", read(*channel, values));
            for (name, value) in *values {
                assert!(!text.contains(value), "{name} is shown in {text}");
            }
            assert!(text.contains("Settings"));
        }
    }

    #[test]
    fn the_ports_and_the_protection_of_mail_have_safe_defaults() {
        let target = |values: &[(&str, &str)]| {
            let settings = read(Channel::Email, &[EMAIL, values].concat()).unwrap();
            Notifier::new(settings, Policy::default()).payloads("x").unwrap().remove(0).target
        };
        assert_eq!(target(&[]), "SMTP localhost:25 (none)");
        assert_eq!(
            target(&[("SMTP_USERNAME", "farm"), ("SMTP_PASSWORD", PASSWORD)]),
            "SMTP localhost:25 (opportunistic)"
        );
        assert_eq!(target(&[("SMTP_SERVER", "mail.example.org")]), "SMTP mail.example.org:587 (required)");
        assert_eq!(
            target(&[("SMTP_SERVER", "mail.example.org"), ("SMTP_TLS", "wrapper")]),
            "SMTP mail.example.org:465 (wrapper)"
        );
        assert_eq!(target(&[("SMTP_SERVER", "[::1]:2525"), ("SMTP_TLS", "none")]), "SMTP [::1]:2525 (none)");
    }
}
