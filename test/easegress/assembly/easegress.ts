/*
 * The host calls of Easegress's WasmHost, as AssemblyScript declares them: a `usize` is a pointer to a
 * string, to data or to an array of strings. The file's name is the name of the import module.
 */

export declare function host_req_get_real_ip(): usize
export declare function host_req_get_scheme(): usize
export declare function host_req_get_proto(): usize
export declare function host_req_get_method(): usize
export declare function host_req_set_method(method: usize): void
export declare function host_req_get_host(): usize
export declare function host_req_set_host(host: usize): void
export declare function host_req_get_path(): usize
export declare function host_req_set_path(path: usize): void
export declare function host_req_get_escaped_path(): usize
export declare function host_req_get_query(): usize
export declare function host_req_set_query(query: usize): void
export declare function host_req_get_fragment(): usize
export declare function host_req_get_header(name: usize): usize
export declare function host_req_get_all_header(): usize
export declare function host_req_set_header(name: usize, value: usize): void
export declare function host_req_set_all_header(headers: usize): void
export declare function host_req_add_header(name: usize, value: usize): void
export declare function host_req_del_header(name: usize): void
export declare function host_req_get_cookie(name: usize): usize
export declare function host_req_get_all_cookie(): usize
export declare function host_req_add_cookie(cookie: usize): void
export declare function host_req_get_body(): usize
export declare function host_req_set_body(body: usize): void

export declare function host_resp_get_status_code(): i32
export declare function host_resp_set_status_code(status: i32): void
export declare function host_resp_get_header(name: usize): usize
export declare function host_resp_get_all_header(): usize
export declare function host_resp_set_header(name: usize, value: usize): void
export declare function host_resp_set_all_header(headers: usize): void
export declare function host_resp_add_header(name: usize, value: usize): void
export declare function host_resp_del_header(name: usize): void
export declare function host_resp_set_cookie(cookie: usize): void
export declare function host_resp_get_body(): usize
export declare function host_resp_set_body(body: usize): void

export declare function host_cluster_get_binary(key: usize): usize
export declare function host_cluster_put_binary(key: usize, value: usize): void
export declare function host_cluster_get_string(key: usize): usize
export declare function host_cluster_put_string(key: usize, value: usize): void
export declare function host_cluster_get_integer(key: usize): i64
export declare function host_cluster_put_integer(key: usize, value: i64): void
export declare function host_cluster_add_integer(key: usize, delta: i64): i64
export declare function host_cluster_get_float(key: usize): f64
export declare function host_cluster_put_float(key: usize, value: f64): void
export declare function host_cluster_add_float(key: usize, delta: f64): f64
export declare function host_cluster_count_key(prefix: usize): i32

export declare function host_add_tag(tag: usize): void
export declare function host_log(level: i32, message: usize): void
export declare function host_get_unix_time_in_ms(): i64
export declare function host_rand(): f64
