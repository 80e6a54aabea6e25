//! Credentials of every shape, none of them real: each is made here, so that no scanner of
//! source code takes this file for a leak.

/// A text with a credential in it, named by the rule that it exercises.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Unique: what only this shape shows.
    pub(crate) rule: &'static str,
    pub(crate) text: String,
    /// What must not survive, whole or in parts.
    pub(crate) secret: String,
}

pub(crate) const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
pub(crate) const UPPER_DIGIT: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(crate) const HEX: &[u8] = b"0123456789abcdef";
pub(crate) const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub(crate) const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(crate) const BASE64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
pub(crate) const DIGITS: &[u8] = b"0123456789";

/// Letters that look random and are the same in each run.
pub(crate) fn fake(alphabet: &[u8], length: usize, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..length).map(|_| char::from(alphabet[(next() >> 20) as usize % alphabet.len()])).collect()
}

fn alone(rule: &'static str, secret: String) -> Shape {
    Shape { rule, text: secret.clone(), secret }
}

fn within(rule: &'static str, before: &str, secret: &str, after: &str) -> Shape {
    Shape { rule, text: format!("{before}{secret}{after}"), secret: secret.to_owned() }
}

/// All shapes.
pub(crate) fn all() -> Vec<Shape> {
    let mut shapes = addresses();
    shapes.extend(assignments());
    shapes.extend(headers());
    shapes.extend(prefixes());
    shapes.extend(tokens());
    shapes
}

fn addresses() -> Vec<Shape> {
    vec![
        within("url user and password", "fetch https://", "bob:hunter2", "@example.com/x failed"),
        within("url password without a user", "redis://", ":hunter2", "@cache:6379/0"),
        within("url user that is a token", "clone https://", "x0authtoken", "@example.com/a/b.git"),
        within("url password with an at sign", "postgres://", "bob:p@ss@w0rd", "@db/app"),
        within("url password with a slash", "postgres://", "bob:hunt/er2", "@db/app"),
        within(
            "url password in quotes",
            r#"could not reach "amqp://"#,
            "guest:gu,e)st",
            r#"@mq:5672/", giving up"#,
        ),
        within("url password of a compound scheme", "git+https://", "bob:hunter2", "@example.com/x"),
        within("data source of go", "open ", "root:hunter2", "@tcp(127.0.0.1:3306)/app"),
        within("user and password at a host", "dial ", "admin:S3cret!", "@db.internal:5432"),
        within("query parameter first", "GET /x?api_key=", "abc123", "&page=2"),
        within("query parameter later", "GET /x?page=2&access_token=", "abc123", "#top"),
        within("query signature", "https://s.example.com/b?se=2026-01-01&sig=", "aB%2Fc%3D", "&sp=r"),
        within(
            "query signature of aws",
            "https://b.example.com/k?X-Amz-Signature=",
            "deadbeefcafe",
            "&X-Amz-Date=2026",
        ),
        within("webhook of slack", "POST https://hooks.slack.com/services/", "T0/B0/abcdEFGH", ""),
        within("webhook of discord", "POST https://discord.com/api/webhooks/", "123456/abc-DEF_1", ""),
    ]
}

fn assignments() -> Vec<Shape> {
    vec![
        within("password assigned", "password=", "hunter2", " rest"),
        within("password after a colon", "password: ", "hunter2", "\nnext"),
        within("password after blanks", "passwd \t=  ", "hunter2", ""),
        within("password in json", r#"{"user":"bob","password":""#, "hun ter2", r#"","n":1}"#),
        within("password in json in json", r#"{"a":"{\"password\":\""#, "hunt er2", r#"\"}"}"#),
        within("password with an escaped quote", r#"{"password":""#, r#"hun\"t er2"#, r#""}"#),
        within("password as a json number", r#"{"password":"#, "123456", r#","n":1}"#),
        within("password in a shell's quotes", "export DB_PASSWORD='", "hun ter2", "'"),
        within("password glued to a quote", "PASSWORD=", r#""hun"ter2"#, " rest"),
        within("password of an environment", "PGPASSWORD=", "hunter2", " psql"),
        within("password of an environment exported", "export MYSQL_PWD=", "hunter2", ""),
        within("password in camel case", "dbPassword=", "hunter2", ""),
        within("password in a dotted name", "spring.datasource.password=", "hunter2", ""),
        within("password in brackets", "config['password'] = '", "hunter2", "'"),
        within("password after an arrow", "'password' => '", "hunter2", "'"),
        within("password after a colon and an equals sign", "password := \"", "hunter2", "\""),
        within("password in an element", "<server><password>", "hunter2", "</password></server>"),
        within("password in sql", "ALTER USER bob WITH PASSWORD '", "hunter2", "'"),
        within("password in sql of others", "CREATE USER bob IDENTIFIED BY '", "hunter2", "'"),
        within(
            "password in a connection string",
            "Server=db;User Id=sa;Password=",
            "hun ter2",
            ";Encrypt=true",
        ),
        within("password of a quoted flag", "unexpected argument '--password=", "hunter2", "' found"),
        within("password of a flag", "run with --password ", "hunter2", " --verbose"),
        within("password of a flag with one dash", "run with -password ", "hunter2", ""),
        within("user and password of a flag", "curl -u ", "bob:hunter2", " https://example.com"),
        within("password after a colour", "password=\x1b[1m", "hunter2", "\x1b[0m"),
        within("password among other scripts", "密码错误 password=", "hunter2", " で失敗しました"),
        within("password in german", "Passwort: ", "hunter2", ""),
        within("passphrase of several words", "passphrase: ", "correct horse battery staple", "\nnext"),
        within("mnemonic", "mnemonic=", "abandon ability able about", "\nnext"),
        within("short name", "DB_PASS=", "hunter2", ""),
        within("token assigned", "token=", "abcdef", ""),
        within("token of a registry", "//registry.npmjs.org/:_authToken=", "abcdef", ""),
        within("token named by a compound", "auth_token: ", "abcdef", ""),
        within("token in prose", "invalid token: ", "abc123def", " (expired)"),
        within("tokens in a list", r#""tokens": ["#, r#""abc", "def""#, "]"),
        within("secret of a client", "client_secret=", "abcdef", ""),
        within("api key in words", "Your API key: ", "abc123", ""),
        within("api key in yaml", "api-key: ", "abcdef", ""),
        within("access key of aws", "aws_secret_access_key = ", &fake(BASE64, 40, 1), ""),
        within("account key of azure", "AccountName=a;AccountKey=", "abc/def==", ";EndpointSuffix=x"),
        within("private key as a value", r#""private_key": ""#, "abc def", r#"""#),
        within(
            "password in a debug output",
            r#"Config { user: "bob", password: Some(""#,
            "hun ter2",
            r#"") }"#,
        ),
        within("token in a debug output", r#"Config { user: "bob", token: ""#, "abcdef", r#"" }"#),
        within("password with a backslash at its end", r#"{"password":""#, r"hunter2\\", r#"","n":1}"#),
        within("password that looks like a list", "password=", "[abc]def", " rest"),
        within("tokens in nested lists", r#""tokens":"#, r#"[["abc"],["def"]]"#, ""),
        within("token in quotes", "the server refused token '", "abc123def", "'"),
        within("password of an element with a namespace", "<s:Password>", "hun ter2", "</s:Password>"),
        within("key base of rails", "SECRET_KEY_BASE=", &fake(HEX, 128, 3), ""),
        within("key known by its name only", "HEROKU_API_KEY=", "550e8400-e29b-41d4-a716-446655440000", ""),
        within("one-time password", "otp=", "123456", ""),
        within("session id", "PHPSESSID=", "abcdef", "; path=/"),
        within("credential assigned", "X-Amz-Credential=", "abcdef/2026", ""),
        within("flag in a compact list", r#"{"Cmd":["mysql","--password",""#, "hunt er2", r#""],"n":1}"#),
        within("flag in a list of one flag", r#"["--token",""#, "hunter2x", r#""]"#),
        within("flag in a list in json", r#"{"a":"[\"--password\",\""#, "hunter2x", r#"\"]"}"#),
        within("flag in a list of lines", "[\n  '--password',\n  '", "hunter2x", "'\n]"),
        within(
            "password of mysql 8",
            r#"CREATE USER bob IDENTIFIED WITH mysql_native_password BY ""#,
            "hunter2x",
            r#"" REQUIRE SSL"#,
        ),
        within("personal access token as a flag", "az devops login --pat ", "hunterx", " now"),
        within("personal access token of an environment", "AZURE_DEVOPS_EXT_PAT=", "hunterx", ""),
        within("personal access token in camel case", r#"{"githubPat":""#, "hunterx", r#""}"#),
        within("shared key of a network", "psk=", "hunterx", ""),
        within("bearer as a flag", "tool --bearer ", "hunterx", " x"),
        within("key that opens a vault", "VAULT_UNSEAL_KEY=", "hunterx", ""),
        within("key of a role", "SUPABASE_SERVICE_ROLE_KEY=", "hunterx", ""),
        within("key of fernet", "FERNET_KEY=", "hunterx", ""),
        within("assertion of a client", "client_assertion=", "hunterx", ""),
        within("pair in json", r#"{"name":"DB_PASSWORD","value":""#, "hunt er2", r#""}"#),
        within(
            "pair in json of several lines",
            "{\n  \"Name\": \"password\",\n  \"Value\": \"",
            "hunter2x",
            "\"\n}",
        ),
        within("pair in json in json", r#"{"a":"{\"name\":\"API_KEY\",\"value\":\""#, "hunter2x", r#"\"}"}"#),
        within("pair in yaml", "- name: DB_PASSWORD\n  value: ", "hunterx", "\n- name: A"),
        within("pair in a debug output", "{Name:AUTH_TOKEN Value:", "hunterx", " ValueFrom:nil}"),
        within("pair of attributes", r#"<add key="password" value=""#, "hunt er2", r#"" />"#),
        within("pair of an attribute and a text", r#"<entry key="password">"#, "hunt er2", "</entry>"),
        within(
            "pair of an attribute and a text in single quotes",
            "<string name='api_key'>",
            "hunterx",
            "</string>",
        ),
        within("address in an address", "next=https%3A%2F%2F", "oauth2%3Ahunter2x", "%40gitlab.com%2Fa"),
        within("password in an encoded query", "next=%2Flogin%3Fpassword%3D", "hunterx", "&page=2"),
        within("password on the next line", "password=\n", "hunter2x", "\nnext"),
        within("password of a flag on the next line", "mysql\n--password\n", "hunter2x", "\n--verbose"),
        within("password on the next line of windows", "  password:\r\n    ", "hunter2x==", "\r\n"),
        within("block of yaml", "password: |\n  ", "hunterx", "\nnext: 1"),
        within(
            "block of yaml with lines",
            "a:\n  token: >-\n    ",
            "hunt erx\n     vwxyz, k\n    mno",
            "\n  next: 1",
        ),
        within("key of an application", "DD_APP_KEY=", &fake(HEX, 40, 2), ""),
    ]
}

fn headers() -> Vec<Shape> {
    vec![
        within("authorization with bearer", "Authorization: Bearer ", "abc123", "\nAccept: */*"),
        within("authorization with basic", "authorization: Basic ", "Ym9iOmh1bnRlcjI=", ""),
        within(
            "authorization with digest",
            "Authorization: Digest ",
            r#"username="bob", response="00ff""#,
            "\r\n",
        ),
        within(
            "authorization in quotes",
            "curl -H 'Authorization: token ",
            "abcdef",
            "' https://example.com",
        ),
        within("authorization in json", r#"{"Authorization": "Bearer "#, "abc123", r#"", "a": 1}"#),
        within("authorization of a proxy", "Proxy-Authorization: Basic ", "Ym9i", ""),
        within("bearer alone", "sent Bearer ", "abc123def", " to the host"),
        within("basic alone", "sent Basic ", "Ym9iOmh1bnRlcjI=", ""),
        within("token as a scheme", "sent Token ", &fake(HEX, 40, 3), ""),
        within("api key in a header", "x-api-key: ", "abcdef", "\n"),
        within("auth token in a header", "X-Auth-Token: ", "abcdef", "\n"),
        within("cookie", "Cookie: ", "a=b; c=d", "\nHost: x"),
        within("cookie set", "Set-Cookie: ", "sid=abc; Path=/", "\n"),
    ]
}

fn prefixes() -> Vec<Shape> {
    let list: &[(&'static str, &str, &[u8], usize)] = &[
        ("github personal", "ghp_", ALNUM, 36),
        ("github oauth", "gho_", ALNUM, 36),
        ("github user", "ghu_", ALNUM, 36),
        ("github server", "ghs_", ALNUM, 36),
        ("github refresh", "ghr_", ALNUM, 36),
        ("github fine-grained", "github_pat_", ALNUM, 82),
        ("gitlab personal", "glpat-", BASE64_URL, 20),
        ("gitlab deploy", "gldt-", BASE64_URL, 20),
        ("gitlab runner", "glrt-", BASE64_URL, 20),
        ("gitlab trigger", "glptt-", HEX, 40),
        ("slack bot", "xoxb-", DIGITS, 24),
        ("slack user", "xoxp-", DIGITS, 24),
        ("slack app", "xapp-", ALNUM, 24),
        ("stripe secret", "sk_live_", ALNUM, 24),
        ("stripe restricted", "rk_live_", ALNUM, 24),
        ("stripe test", "sk_test_", ALNUM, 24),
        ("stripe webhook", "whsec_", ALNUM, 32),
        ("openai", "sk-", ALNUM, 48),
        ("openai project", "sk-proj-", BASE64_URL, 80),
        ("anthropic", "sk-ant-api03-", BASE64_URL, 80),
        ("hugging face", "hf_", ALNUM, 34),
        ("replicate", "r8_", ALNUM, 37),
        ("groq", "gsk_", ALNUM, 52),
        ("xai", "xai-", ALNUM, 80),
        ("perplexity", "pplx-", ALNUM, 48),
        ("google api", "AIza", BASE64_URL, 35),
        ("google oauth", "ya29.", BASE64_URL, 60),
        ("google client", "GOCSPX-", BASE64_URL, 28),
        ("google refresh", "1//0", BASE64_URL, 50),
        ("aws access", "AKIA", UPPER_DIGIT, 16),
        ("aws temporary", "ASIA", UPPER_DIGIT, 16),
        ("npm", "npm_", ALNUM, 36),
        ("pypi", "pypi-", BASE64_URL, 90),
        ("rubygems", "rubygems_", HEX, 48),
        ("docker hub", "dckr_pat_", BASE64_URL, 27),
        ("crates.io", "cio", ALNUM, 32),
        ("nuget", "oy2", LOWER, 43),
        ("sendgrid", "SG.abcdefghijklmnopqrstuv.", BASE64_URL, 43),
        ("twilio", "SK", HEX, 32),
        ("mailgun", "key-", HEX, 32),
        ("brevo", "xkeysib-", HEX, 64),
        ("digitalocean", "dop_v1_", HEX, 64),
        ("digitalocean oauth", "doo_v1_", HEX, 64),
        ("heroku", "HRKU-", ALNUM, 60),
        ("vault service", "hvs.", BASE64_URL, 90),
        ("vault batch", "hvb.", BASE64_URL, 90),
        ("terraform cloud", "abcdEFGH012345.atlasv1.", BASE64_URL, 64),
        ("doppler", "dp.pt.", ALNUM, 43),
        ("dynatrace", "dt0c01.", UPPER_DIGIT, 24),
        ("fly", "fo1_", BASE64_URL, 43),
        ("netlify", "nfp_", ALNUM, 36),
        ("planetscale", "pscale_tkn_", BASE64_URL, 43),
        ("supabase", "sbp_", HEX, 40),
        ("tailscale", "tskey-auth-", ALNUM, 30),
        ("pulumi", "pul-", HEX, 40),
        ("databricks", "dapi", HEX, 32),
        ("shopify access", "shpat_", HEX, 32),
        ("shopify shared", "shpss_", HEX, 32),
        ("square access", "sq0atp-", BASE64_URL, 22),
        ("square secret", "sq0csp-", BASE64_URL, 43),
        ("square production", "EAAA", BASE64_URL, 60),
        ("facebook", "EAAC", ALNUM, 100),
        ("new relic", "NRAK-", UPPER_DIGIT, 27),
        ("grafana service", "glsa_", ALNUM, 41),
        ("grafana cloud", "glc_", BASE64_URL, 60),
        ("sentry", "sntryu_", HEX, 64),
        ("linear", "lin_api_", ALNUM, 40),
        ("notion", "ntn_", ALNUM, 46),
        ("figma", "figd_", BASE64_URL, 40),
        ("postman", "PMAK-", HEX, 24),
        ("atlassian", "ATATT3", BASE64_URL, 180),
        ("bitbucket", "ATBB", ALNUM, 32),
        ("artifactory", "AKCp", ALNUM, 69),
        ("alibaba", "LTAI", ALNUM, 20),
        ("sourcegraph", "sgp_", HEX, 40),
        ("age", "AGE-SECRET-KEY-1", UPPER_DIGIT, 58),
        ("adafruit", "aio_", ALNUM, 28),
        ("langsmith personal", "lsv2_pt_", HEX, 32),
        ("langsmith service", "lsv2_sk_", HEX, 32),
        ("braintree", "access_token$production$abcdefghijklmnop$", HEX, 32),
        ("braintree sandbox", "access_token$sandbox$abcdefghijklmnop$", HEX, 32),
    ];
    let made = list.iter().zip(10..);
    made.map(|((rule, start, alphabet, length), seed)| {
        alone(rule, format!("{start}{}", fake(alphabet, *length, seed)))
    })
    .collect()
}

fn tokens() -> Vec<Shape> {
    let part = |length, seed| fake(BASE64_URL, length, seed);
    vec![
        alone("json web token", format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}", part(60, 201), part(43, 202))),
        alone("json web token without a signature", format!("eyJhbGciOiJub25lIn0.eyJ{}.", part(40, 203))),
        alone(
            "encrypted json web token",
            format!("eyJhbGciOiJSU0EifQ.{}..{}.{}", part(80, 204), part(90, 205), part(22, 206)),
        ),
        alone("key of mailchimp", format!("{}-us12", fake(HEX, 32, 219))),
        alone("key of airtable", format!("pat{}.{}", fake(ALNUM, 14, 220), fake(HEX, 64, 221))),
        alone(
            "key of launchdarkly",
            format!(
                "sdk-{}-{}-{}-{}-{}",
                fake(HEX, 8, 222),
                fake(HEX, 4, 223),
                fake(HEX, 4, 224),
                fake(HEX, 4, 225),
                fake(HEX, 12, 226)
            ),
        ),
        alone("secret of azure", format!("{}~{}", fake(ALNUM, 5, 227), fake(BASE64_URL, 34, 228))),
        within(
            "secret of azure with dots",
            "failed for secret ",
            &["Ukk8Q~qdt7s8Stqcbnr3yBdGBL", "EPH1qhT61", "qt-"].join("."),
            " of app",
        ),
        alone("secret of azure in short parts", "abc8Q~".to_owned() + &["dt7s8Stqcbn3"; 3].join(".")[..34]),
        alone("secret of azure with every sign", ["k3B8Q~Zf1QdXkLm9n", "RtUvWxYz-_AbCdEfGhIjKl"].join(".")),
        alone("key of wakatime", ["waka", "550e8400-e29b-41d4-a716-446655440000"].join("_")),
        alone("bot of telegram", format!("{}:AA{}", fake(DIGITS, 9, 207), part(33, 208))),
        alone("bot of discord", format!("M{}.{}.{}", part(23, 209), "Gabcde", part(38, 210))),
        alone("long base64", fake(BASE64, 64, 211) + "=="),
        alone("long base64 for addresses", fake(BASE64_URL, 64, 212)),
        alone("long letters of one case", fake(LOWER, 80, 213)),
        alone("long hexadecimal of no hash's length", fake(HEX, 48, 214)),
        alone("mixed letters and digits", fake(ALNUM, 32, 215)),
        pem("private key", "RSA PRIVATE KEY", "\n"),
        pem("private key without a kind", "PRIVATE KEY", "\n"),
        pem("private key of ssh", "OPENSSH PRIVATE KEY", "\n"),
        pem("private key that is encrypted", "ENCRYPTED PRIVATE KEY", "\n"),
        pem("private key of pgp", "PGP PRIVATE KEY BLOCK", "\n"),
        pem("private key in one line", "EC PRIVATE KEY", "\\n"),
        Shape {
            rule: "private key without an end",
            text: format!("-----BEGIN PRIVATE KEY-----\n{}\n", fake(BASE64, 30, 216)),
            secret: fake(BASE64, 30, 216),
        },
    ]
}

fn pem(rule: &'static str, label: &str, newline: &str) -> Shape {
    let body = format!("{}{newline}{}", fake(BASE64, 20, 217), fake(BASE64, 11, 218));
    Shape {
        rule,
        text: format!("read: -----BEGIN {label}-----{newline}{body}{newline}-----END {label}----- ok"),
        secret: body,
    }
}
