(component (core module $m (memory (export "m") 1) (func (export "f") (param i32) (result i32) local.get 0 i32.load))
  (core instance $i (instantiate $m))
  (func $f (param "a" u32) (result u32) (canon lift (core func $i "f")))
  (instance $e (export "f" (func $f))) (export "telemetry:backend/exporter@0.1.0" (instance $e)))