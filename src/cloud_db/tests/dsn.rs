//! What DATABASE_URL can say.

use std::{path::Path, time::Duration};

use tokio_postgres::config::{Host, SslMode};

use super::super::dsn::{Dsn, DsnError, Roots, Trust};

fn dsn(text: &str) -> Result<Dsn, DsnError> {
    Dsn::new(text, Path::new("/etc/hub"))
}

fn trust(text: &str) -> Trust {
    dsn(text).unwrap().trust
}

#[test]
fn both_forms_say_the_same() {
    let url = "postgresql://us%40er:p%2Fw%20%27@db.example.com:5433/na%20me?connect_timeout=2";
    let words = "user = us@er password='p/w \\'' host=db.example.com port=5433 \
                 dbname='na me'  connect_timeout = 2";
    for text in [
        url,
        words,
        &url.replace("postgresql", "postgres"),
        &format!(" {words}\n"),
    ] {
        let dsn = dsn(text).unwrap();
        let config = &dsn.config;
        assert_eq!(config.get_user(), Some("us@er"), "{text}");
        assert_eq!(config.get_password(), Some(&b"p/w '"[..]), "{text}");
        assert_eq!(config.get_hosts(), [Host::Tcp("db.example.com".to_owned())]);
        assert_eq!(config.get_ports(), [5433], "{text}");
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(2)));
        assert_eq!(config.get_application_name(), Some("multi-llm-hub"));
        assert_eq!(dsn.place(), "db.example.com/na me");
    }
}

#[test]
fn less_than_tls_is_raised() {
    for mode in [
        "",
        "sslmode=allow",
        "sslmode=prefer",
        "sslmode=require",
        "ssl=true",
        "ssl=prefer",
    ] {
        let dsn = dsn(&format!("postgresql://u:p@h/d?{mode}")).unwrap();
        assert_eq!(dsn.trust, Trust::Anybody, "{mode}");
        assert_eq!(dsn.config.get_ssl_mode(), SslMode::Require);
        assert!(dsn.warnings().is_empty(), "{mode}");
    }
    let raised = dsn("postgresql://u:p@db.example.com/d?sslmode=disable").unwrap();
    assert_eq!(raised.trust, Trust::Anybody);
    assert_eq!(raised.warnings().len(), 1);
}

#[test]
fn without_tls_only_on_this_machine_and_only_if_it_is_said() {
    for host in [
        "localhost",
        "127.0.0.1",
        "127.8.9.1",
        "[::1]",
        "%2Fvar%2Frun",
        "localhost,[::1]",
    ] {
        let dsn = dsn(&format!("postgresql://u:p@{host}/d?sslmode=disable")).unwrap();
        assert_eq!(dsn.trust, Trust::Plain, "{host}");
        assert_eq!(dsn.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(dsn.warnings().len(), 1, "{host}");
    }
    for host in ["10.0.0.1", "localhost.example.com", "localhost,db", "db"] {
        let text = format!("postgresql://u:p@{host}/d?sslmode=disable");
        assert_eq!(trust(&text), Trust::Anybody, "{host}");
    }
    // What is really asked is the address.
    let text = "host=localhost hostaddr=10.0.0.1 user=u sslmode=disable";
    assert_eq!(trust(text), Trust::Anybody);
    assert_eq!(trust("postgresql://u:p@localhost/d"), Trust::Anybody);
    assert_eq!(
        dsn("host=/run/postgresql user=u").unwrap_err(),
        DsnError::Socket
    );
}

#[test]
fn roots_count_as_in_libpq() {
    let file = |file: &str| Roots::File(file.into());
    let cases = [
        ("sslmode=verify-full", Trust::Named(Roots::System)),
        ("sslmode=verify-ca", Trust::Signed(Roots::System)),
        (
            "sslmode=verify-full&sslrootcert=/a/ca.pem",
            Trust::Named(file("/a/ca.pem")),
        ),
        (
            "sslmode=verify-ca&sslrootcert=ca.pem",
            Trust::Signed(file("/etc/hub/ca.pem")),
        ),
        ("sslrootcert=ca.pem", Trust::Signed(file("/etc/hub/ca.pem"))),
        ("sslrootcert=system", Trust::Named(Roots::System)),
    ];
    for (params, expected) in cases {
        assert_eq!(
            trust(&format!("postgresql://u:p@h/d?{params}")),
            expected,
            "{params}"
        );
    }
}

#[test]
fn neon_gets_no_statement_timeout() {
    let options = |host: &str, options: &str| {
        let dsn = dsn(&format!("postgresql://u:p@{host}/d?options={options}")).unwrap();
        let options = dsn.config.get_options().map(str::to_owned);
        (options, dsn.own_timeout, dsn.warnings().len())
    };
    let both = "-c%20statement_timeout%3D5s%20-c%20search_path%3Da";
    let neon = "ep-a-1.eu-central-1.aws.neon.tech";
    assert_eq!(
        options(neon, both),
        (Some("-csearch_path=a".to_owned()), false, 1)
    );
    assert_eq!(options(neon, "-cstatement_timeout%3D5s"), (None, false, 1));
    assert_eq!(
        options(neon, "endpoint%3Dep-a"),
        (Some("endpoint=ep-a".to_owned()), false, 0)
    );
    let kept = "-c statement_timeout=5s -c search_path=a".to_owned();
    assert_eq!(
        options("evil-neon.tech.example.com", both),
        (Some(kept), true, 0)
    );
}

#[test]
fn what_clouds_and_libraries_write_is_understood() {
    for text in [
        "postgresql+asyncpg://u:p@h/d?ssl=require",
        "postgresql://u:p@ep-a.neon.tech/d?sslmode=require&channel_binding=require",
        "postgresql://u:p@h:6543/d?pgbouncer=true&connection_limit=1",
        "postgres://u:p@a,b:5433/d?target_session_attrs=read-write&load_balance_hosts=random",
        "postgresql://u:pa?ss@h/d",
        "postgresql://u:p@my_db/d",
        "postgresql://u@h",
        "hostaddr=192.0.2.1 user=u",
    ] {
        assert!(dsn(text).is_ok(), "{text}");
    }
}

#[test]
fn a_mistake_is_named_and_nothing_is_quoted() {
    let secret = "rosebud";
    for (text, expected) in [
        ("", DsnError::NoHost),
        ("postgresql://", DsnError::NoHost),
        ("user=u password=rosebud", DsnError::NoHost),
        ("rosebud", DsnError::Malformed),
        ("mysql://u:rosebud@h/d", DsnError::Malformed),
        ("postgresql//u:rosebud@h/d", DsnError::Malformed),
        ("postgresql://u:rose@bud@h/d", DsnError::Malformed),
        ("postgresql://u:rosebud@h/d?x", DsnError::Malformed),
        ("postgresql://u:rosebud", DsnError::Malformed),
        ("postgresql://u:p@h:rosebud/d", DsnError::Malformed),
        ("host=h password=rosebud two=2", DsnError::Unknown),
        ("host=h password='rosebud", DsnError::Malformed),
        ("host=h password=rosebud tail", DsnError::Malformed),
        ("postgresql://u:p@h/d?rosebud=1", DsnError::Unknown),
        (
            "postgresql://u:p@h/d?sslmode=rosebud",
            DsnError::Value("sslmode"),
        ),
        (
            "postgresql://u:p@h/d?sslkey=rosebud",
            DsnError::NotBuilt("sslkey"),
        ),
    ] {
        let error = dsn(text).unwrap_err();
        assert_eq!(error, expected, "{text}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(secret), "{shown}");
    }
    let shown = format!("{:?}", dsn("postgresql://u:rosebud@h/d").unwrap());
    assert_eq!(shown, "Dsn(\"h/d\")");
}
