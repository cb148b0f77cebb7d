"""The read that results are held against: which one it is, and how long it takes."""
FROM_MEMORY, IN_CACHE = 0.80, 0.65


def name_of(result):
    """As tables and plots have it, which show reads and peers beside configurations."""
    return {"read": "read, ", "peer": result.get("peer", "") + ": "}.get(result["kind"], "") + result["name"]


def case(result):
    """What results share that were measured side by side."""
    return result.get("run"), result["workload"], result["type"], result["rows"], result["vocabulary"], result["where"]


def reads_of(results):
    reads = {}
    for result in results:
        if result["kind"] == "read":
            reads.setdefault(case(result), {})[result["name"]] = result["median_us"]
    return reads


def kernel_is_read(reads):
    """By the two sizes that decide it, where they were measured; None where neither was."""
    verdicts = []
    for (_, _, kind, rows, vocabulary, where), of in reads.items():
        least = {(256, 262144): FROM_MEMORY, (64, 128256): IN_CACHE}.get((rows, vocabulary))
        if least and kind == "float32" and where == "host":
            verdicts.append(of["plain"] / of["kernel"] >= least)
    return all(verdicts) if verdicts else None


def settle_reads(results):
    """Measures all against the same read, whichever run they come from."""
    reads = reads_of(results)
    by_kernel = kernel_is_read(reads)
    for result in results:
        if "where" in result and by_kernel is not None and "share_of_read" in result:
            result["read"] = "kernel" if by_kernel else "plain"
            result["share_of_read"] = reads[case(result)][result["read"]] / result["median_us"]
