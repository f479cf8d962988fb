-- A POST of 100 KB, for wrk.
wrk.method = "POST"
wrk.body = string.rep("x", 100 * 1024)
