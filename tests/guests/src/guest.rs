//! A guest whose memory is laid out here, by the canonical ABI, so that its code is a few lines of text.

/// Bytes at fixed addresses of a guest's memory.
struct Memory {
    bytes: Vec<u8>,
}

const BASE: u32 = 1_024;

impl Memory {
    fn align(&mut self, to: usize) {
        while !self.bytes.len().is_multiple_of(to) {
            self.bytes.push(0);
        }
    }

    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.align(8);
        let at = BASE + u32::try_from(self.bytes.len()).unwrap();
        self.bytes.extend_from_slice(bytes);
        at
    }

    /// Pointer and length, as a list or a string is written inside a record.
    fn text(&mut self, text: &str) -> [u32; 2] {
        [self.put(text.as_bytes()), text.len() as u32]
    }

    fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes)
    }
}

/// What a guest asks for and answers. Each field is an honest guest's unless a test says otherwise.
///
/// Code in it may use `$request` (makes the request), `$answer` (turns what came back into an outcome and
/// gives its address), `$http`, `$log`, and the globals `$result`, `$outcome`, `$path`, `$problem` and
/// `$problem_length`: addresses of the things that they are named after. Memory from 131072 on is free.
#[derive(Clone)]
pub struct Guest {
    /// Endpoints that `describe` names.
    pub endpoints: Vec<String>,
    /// Whether all of them are required.
    pub required: bool,
    /// Whether each asks for a credential, as a bearer token, that it cannot do without.
    pub credential: bool,
    /// The endpoint of the request that `send` makes.
    pub endpoint: String,
    /// Its method, by its place in the contract.
    pub method: u32,
    /// Its path.
    pub path: String,
    /// Its query.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body; none for an empty one.
    pub body: Option<String>,
    /// Its content coding, by its place in the contract.
    pub coding: u32,
    /// Its time limit.
    pub timeout_ms: Option<u32>,
    /// Further imports of the module.
    pub imports: String,
    /// A WIT package whose world `test` has them.
    pub world: String,
    /// Further items of the module.
    pub items: String,
    /// Replaces `send`'s code: `(param $args i32) (result i32)`.
    pub send: Option<String>,
    /// Replaces `erase`'s code.
    pub erase: Option<String>,
    /// Runs first in `describe`.
    pub in_describe: String,
    /// Runs first in `configure`.
    pub in_configure: String,
    /// The module's memories.
    pub memory: String,
    /// Runs first whenever the host wants memory.
    pub in_realloc: String,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            endpoints: vec!["intake".into()],
            required: true,
            credential: false,
            endpoint: "intake".into(),
            method: 1,
            path: "/v1/logs".into(),
            query: Vec::new(),
            headers: vec![("content-type".into(), "application/json".into())],
            body: Some("[]".into()),
            coding: 0,
            timeout_ms: None,
            imports: String::new(),
            world: String::new(),
            items: String::new(),
            send: None,
            erase: None,
            in_describe: String::new(),
            in_configure: String::new(),
            memory: "(memory (export \"memory\") 4)".into(),
            in_realloc: String::new(),
        }
    }
}

impl Guest {
    /// An honest guest with one thing changed, as a component.
    #[must_use]
    pub fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut guest = Self::default();
        change(&mut guest);
        guest.component()
    }

    /// A guest whose `send` is this code, as a component.
    #[must_use]
    pub fn sending(code: &str) -> Vec<u8> {
        Self::with(|guest| guest.send = Some(code.into()))
    }

    /// The component.
    #[must_use]
    pub fn component(&self) -> Vec<u8> {
        let world = if self.world.is_empty() { "backend" } else { "test" };
        crate::component_in(&self.module(), &self.world, world)
    }

    fn description(&self, memory: &mut Memory) -> u32 {
        let mut endpoints = Vec::new();
        for name in &self.endpoints {
            let (name, summary) = (memory.text(name), memory.text("Where events go"));
            endpoints.extend([name[0], name[1], summary[0], summary[1], u32::from(self.required)]);
            let key = memory.text("The key");
            let credential = if self.credential { [1, 1, 0, 0, key[0], key[1], 1] } else { [0; 7] };
            endpoints.extend(credential);
            // No sites.
            endpoints.extend([0; 2]);
        }
        let list = memory.words(&endpoints);
        let (name, version, summary) =
            (memory.text("test"), memory.text("1.2.3"), memory.text("A test backend"));
        memory.words(&[
            name[0],
            name[1],
            version[0],
            version[1],
            summary[0],
            summary[1],
            0,
            0, // settings
            list,
            self.endpoints.len() as u32,
            100,
            1 << 20,
            1 << 16,
            0,
        ])
    }

    fn pairs(memory: &mut Memory, pairs: &[(String, String)]) -> [u32; 2] {
        let mut words = Vec::new();
        for (name, value) in pairs {
            let (name, value) = (memory.text(name), memory.text(value));
            words.extend([name[0], name[1], value[0], value[1]]);
        }
        [memory.words(&words), pairs.len() as u32]
    }

    /// The core module, as text.
    #[must_use]
    pub fn module(&self) -> String {
        let mut memory = Memory { bytes: Vec::new() };
        let description = self.description(&mut memory);
        let endpoint = memory.text(&self.endpoint);
        let path = memory.text(&self.path);
        let query = Self::pairs(&mut memory, &self.query);
        let headers = Self::pairs(&mut memory, &self.headers);
        let body = self.body.as_ref().map_or([0, 0], |body| memory.text(body));
        let problem = memory.text("it is never right");
        let result = memory.put(&[0; 64]);
        let outcome = memory.put(&[0; 64]);
        let empty = memory.put(&[0; 64]);
        let timeout = self
            .timeout_ms
            .map_or("(i32.const 0) (i32.const 0)".to_owned(), |ms| format!("(i32.const 1) (i32.const {ms})"));
        let number = |value: u32| format!("(i32.const {value})");
        let request = [
            number(endpoint[0]),
            number(endpoint[1]),
            number(self.method),
            number(path[0]),
            number(path[1]),
            number(query[0]),
            number(query[1]),
            number(headers[0]),
            number(headers[1]),
            number(u32::from(self.body.is_some())),
            number(body[0]),
            number(body[1]),
            number(self.coding),
            timeout,
            number(result),
        ]
        .join(" ");
        let data: String = memory.bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let send = self.send.clone().unwrap_or_else(|| "(call $request) (call $answer)".into());
        let erase = self.erase.clone().unwrap_or_else(|| "(call $request) (drop (call $answer)) (i32.const 3072) (i32.store8 (i32.const 3072) (i32.const 1)) (i32.store (i32.const 3080) (global.get $problem)) (i32.store (i32.const 3084) (global.get $problem_length))".into());
        let Self { in_describe, in_configure, items, imports, in_realloc, memory: memory_item, .. } = self;
        format!(
            r#"(module
  (import "telemetry:backend/http@0.1.0" "send" (func $http
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "telemetry:backend/log@0.1.0" "write" (func $log (param i32 i32 i32)))
  {imports}
  {memory_item}
  (data (i32.const {BASE}) "{data}")
  (global $next (mut i32) (i32.const 65536))
  (global $problem i32 (i32.const {problem_at}))
  (global $problem_length i32 (i32.const {problem_length}))
  (global $result i32 (i32.const {result}))
  (global $outcome i32 (i32.const {outcome}))
  (global $path i32 (i32.const {path_at}))
  {items}
  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    {in_realloc}
    (global.set $next (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (local.get $new)))
    (block $done (loop $more
      (br_if $done (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
      (unreachable)))
    (local.get $at))
  (func $request (call $http {request}))
  ;; 2xx is delivered; any other status rejects with the body; an error asks to try again with its text.
  (func $answer (result i32) (local $r i32)
    (local.set $r (global.get $result))
    (if (i32.eqz (i32.load8_u (local.get $r)))
      (then
        (if (i32.eq (i32.div_u (i32.load16_u offset=8 (local.get $r)) (i32.const 100)) (i32.const 2))
          (then (i32.store8 (global.get $outcome) (i32.const 0)))
          (else
            (i32.store8 (global.get $outcome) (i32.const 4))
            (if (i32.load8_u offset=20 (local.get $r)) (then
              (i32.store offset=8 (global.get $outcome) (i32.load offset=24 (local.get $r)))
              (i32.store offset=12 (global.get $outcome) (i32.load offset=28 (local.get $r))))))))
      (else
        (i32.store8 (global.get $outcome) (i32.const 2))
        (i32.store8 offset=16 (global.get $outcome) (i32.const 0))
        (i32.store offset=8 (global.get $outcome) (i32.load offset=12 (local.get $r)))
        (i32.store offset=12 (global.get $outcome) (i32.load offset=16 (local.get $r)))))
    (global.get $outcome))
  (func (export "telemetry:backend/exporter@0.1.0#describe") (result i32)
    {in_describe}
    (i32.const {description}))
  (func (export "telemetry:backend/exporter@0.1.0#configure") (param $settings i32) (param $length i32) (result i32)
    {in_configure}
    (i32.const {empty}))
  (func (export "telemetry:backend/exporter@0.1.0#send") (param $args i32) (result i32)
    {send})
  (func (export "telemetry:backend/exporter@0.1.0#erase") (param $args i32) (param $length i32) (param i32 i32 i32 i32 i32 f64) (result i32)
    {erase}))
"#,
            problem_at = problem[0],
            problem_length = problem[1],
            path_at = path[0],
        )
    }
}
