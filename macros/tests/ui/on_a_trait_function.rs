trait Tool {
    #[telemetry::command]
    fn run(&self);
}

fn main() {}
