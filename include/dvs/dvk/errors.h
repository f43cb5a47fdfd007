/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * The closed set of errors of dvs: one list for the rules (C), the API (C++), the wire and the documentation.
 *
 * Each entry is X(name, number, sentence). The numbers are those of M3-IPC and MINIX, positive; a reply carries
 * them negated in its type. A code is listed only if some caller can act on it.
 */
#ifndef DVS_DVK_ERRORS_H
#define DVS_DVK_ERRORS_H

/* clang-format off */
#define DVK_ERRORS(X) \
  X(ok,                  0, "The operation succeeded.") \
  X(not_granted,         1, \
    "The grant does not exist any more, is not for this endpoint, or does not allow this access.") \
  X(no_entry,            2, "No file or directory has this name.") \
  X(cancelled,           4, "The wait was cancelled before its condition came true.") \
  X(io_error,            5, "The device could not read or write a block.") \
  X(too_big,             7, "More bytes were asked for than one operation may move.") \
  X(bad_descriptor,      9, "The file is not open, or not open for this kind of access.") \
  X(would_block,        11, "The operation would have to wait and was told not to.") \
  X(access_denied,      13, "The permissions of the file do not allow this access.") \
  X(fault,              14, "The granted memory is not there.") \
  X(busy,               16, "The object is in use.") \
  X(exists,             17, "The name is taken.") \
  X(no_device,          19, "There is no such device.") \
  X(not_directory,      20, "A component of the path is not a directory.") \
  X(is_directory,       21, "The file is a directory.") \
  X(bad_argument,       22, "An argument has a value that the operation does not know.") \
  X(table_full,         23, "A table has no free entry.") \
  X(file_too_big,       27, "The file would grow past what its file system can hold.") \
  X(no_space,           28, "The device or table has no free space.") \
  X(read_only,          30, "The file system or device does not allow writing.") \
  X(too_many_links,     31, "The file has as many names as it can have.") \
  X(range,              34, "A slot, offset or length lies outside the object.") \
  X(name_too_long,      36, "The name is longer than the file system allows.") \
  X(not_supported,      38, "This backend or server does not have the operation.") \
  X(not_empty,          39, "The directory still has entries.") \
  X(loop,               40, "A chain of links or grants is too long.") \
  X(bad_destination,    55, "This endpoint can never be a destination.") \
  X(timed_out,          61, "The time allowed passed before the condition came true.") \
  X(not_connected,      64, "The link to the peer's node is down.") \
  X(shut_down,          65, "The endpoint is being unbound, or its DC ended.") \
  X(locked,            101, "Waiting would close a cycle of processes that wait for each other.") \
  X(bad_call,          102, "The caller may not make this call, or the server does not know the request.") \
  X(peer_died,         105, "The peer of the sendrec is not bound.") \
  X(source_died,       108, "The process that the message or answer was expected from is gone.") \
  X(destination_died,  109, "The destination is gone.") \
  X(trap_denied,       110, "The privileges of the caller or of its peer do not allow this conversation.") \
  X(bad_node,          301, "The node at the other end is not the one that was meant, or has our own number.") \
  X(bad_dc,            302, "There is no such DC.") \
  X(dc_not_running,    303, "The DC has ended.") \
  X(bad_process,       304, "There is no such process.") \
  X(bad_endpoint,      306, "The endpoint is stale, or may not be used in this place.") \
  X(not_bound,         310, "The caller is not bound to an endpoint.") \
  X(process_running,   320, "The process is in the middle of another operation.") \
  X(not_waiting,       324, "The peer does not wait for this answer (any more).") \
  X(overrun,           330, "A notification from the same source was already pending.") \
  X(no_privilege,      335, "The operation needs a privilege that the caller does not have.") \
  X(slot_used,         337, "The slot belongs to another process.") \
  X(bad_value,         339, "A parameter of the configuration has a value out of its range.") \
  X(bad_file,          341, "The file or image does not have the expected format.") \
  X(no_memory,         344, "There is no memory for the object.") \
  X(not_authentic,     353, "The peer does not have the key of the cluster, or what it sent was altered on the way.") \
  X(bad_checksum,      354, "The checksums of the two sides differ: they do not have the same bytes.")
/* clang-format on */

enum dvk_error {
#define DVK_ERROR_ENUMERATOR(name, number, sentence) DVK_E_##name = number,
  DVK_ERRORS(DVK_ERROR_ENUMERATOR)
#undef DVK_ERROR_ENUMERATOR
};

#endif
