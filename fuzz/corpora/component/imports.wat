(component
  (import "wasi:cli/environment@0.2.3" (instance (export "get-arguments" (func (result (list string))))))
  (import "wasi:sockets/tcp@0.2.0" (instance))
  (import "telemetry:backend/log@0.1.0" (instance)))