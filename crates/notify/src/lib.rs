//! Tell somebody: Slack, Zulip, Telegram, e-mail, standard output
