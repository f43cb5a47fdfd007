/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Grants: the only way to another process's memory.
 *
 * A process grants a range of its memory to an endpoint (direct), passes on a grant that it was given (indirect), or,
 * if it is trusted with that, grants the memory of another process (magic). Each is named by an id, `sequence * 2^20 +
 * index`; the sequence (0..2047) of an entry changes when it is revoked, so that an old id is refused. All grants of a
 * process end with it. Nothing here touches memory: dvk_grant_check() tells the driver which bytes of whom to move.
 */
#ifndef DVS_DVK_GRANT_H
#define DVS_DVK_GRANT_H

#include <dvs/dvk/completion.h>
#include <dvs/dvk/privilege.h>

/** The name of a grant, with its owner; never negative. */
typedef int32_t dvk_grant_id;

/** What a grant allows its grantee. */
enum dvk_access { DVK_READ = 1, DVK_WRITE = 2 };

enum dvk_grant_kind { DVK_GRANT_free = 0, DVK_GRANT_direct = 1, DVK_GRANT_indirect = 2, DVK_GRANT_magic = 3 };

enum dvk_grant_constant {
  DVK_NO_GRANT = -1,              /**< the id of no grant */
  DVK_GRANT_INDEX_SIZE = 1 << 20, /**< entries that an id can name */
  DVK_GRANT_SEQUENCES = 2048,     /**< after the last one comes 0 */
  DVK_GRANT_DEPTH_MAX = 5         /**< how often a grant may be passed on */
};

/** Finds a grant of @p owner in use; NULL if the id is old, of another owner, or nonsense. Private. */
DVK_INLINE struct dvk_grant* dvk_grant_find(const struct dvk_table* table, dvk_endpoint owner, dvk_grant_id id) {
  struct dvk_grant* grant;
  if (id < 0 || (uint32_t)id % DVK_GRANT_INDEX_SIZE >= table->limits.grants) return NULL;
  grant = dvk_grant_at(table, id % DVK_GRANT_INDEX_SIZE);
  if (grant->kind == DVK_GRANT_free || grant->owner != owner) return NULL;
  return grant->sequence == (uint32_t)id / DVK_GRANT_INDEX_SIZE ? grant : NULL;
}

/** Makes an entry; the arguments were tested. Private. */
DVK_INLINE int dvk_grant_new(struct dvk_table* table, struct dvk_slot* owner, uint32_t kind, dvk_endpoint grantee,
                             struct dvk_grant** grant, dvk_grant_id* id) {
  const int32_t index = dvk_grant_take_free(table);
  if (index < 0) return DVK_E_no_space;
  *grant = dvk_grant_at(table, index);
  (*grant)->kind = kind;
  (*grant)->owner = dvk_endpoint_of(table, owner);
  (*grant)->grantee = grantee;
  (*grant)->other = DVK_NONE;
  (*grant)->other_id = DVK_NO_GRANT;
  (*grant)->address = (*grant)->length = 0;
  (*grant)->access = 0;
  dvk_grant_link(table, owner, index);
  *id = (dvk_grant_id)((*grant)->sequence * DVK_GRANT_INDEX_SIZE + (uint32_t)index);
  return DVK_E_ok;
}

/** Tests who grants and to whom: the owner must be bound, the grantee #DVK_ANY or a slot of the table. Private. */
DVK_INLINE int dvk_grant_enter(const struct dvk_table* table, dvk_endpoint owner, dvk_endpoint grantee,
                               struct dvk_slot** self) {
  struct dvk_slot* other;
  if (dvk_find_bound(table, owner, self) != DVK_E_ok) return DVK_E_not_bound;
  return grantee == DVK_ANY ? (int)DVK_E_ok : dvk_resolve(table, grantee, &other);
}

/** Tests a range and an access. Private. */
DVK_INLINE int dvk_grant_range(uint64_t address, uint64_t length, unsigned access) {
  if (access == 0 || (access & ~(unsigned)(DVK_READ | DVK_WRITE))) return DVK_E_bad_argument;
  return length > UINT64_MAX - address ? DVK_E_range : DVK_E_ok;
}

/**
 * Grants @p length bytes at @p address of the caller's memory to @p grantee.
 *
 * @param grantee an endpoint (its slot need not be bound yet if it is a system slot), or #DVK_ANY
 * @param access #DVK_READ (the grantee may copy from it), #DVK_WRITE (into it), or both
 * @return 0 and the id; not_bound; range, bad_endpoint (of the grantee); bad_argument (access); range (the end of the
 *         range overflows); no_space (as many grants as the table holds).
 */
DVK_INLINE int dvk_grant_direct(struct dvk_table* table, dvk_endpoint owner, dvk_endpoint grantee, uint64_t address,
                                uint64_t length, unsigned access, dvk_grant_id* id) {
  struct dvk_slot* self;
  struct dvk_grant* grant;
  int result = dvk_grant_enter(table, owner, grantee, &self);
  if (result == DVK_E_ok) result = dvk_grant_range(address, length, access);
  if (result == DVK_E_ok) result = dvk_grant_new(table, self, DVK_GRANT_direct, grantee, &grant, id);
  if (result != DVK_E_ok) return result;
  grant->address = address;
  grant->length = length;
  grant->access = access;
  return DVK_E_ok;
}

/**
 * Passes a part of the grant @p from_id, which the caller has from @p from, on to @p grantee: @p length bytes from
 * @p offset on, for no more than @p access. Whether the original allows that, and (still) exists, is found out when it
 * is used.
 * @return 0 and the id; not_bound; range, bad_endpoint (of the grantee or of `from`); bad_argument (access); range (the
 *         end of the part overflows); not_granted (`from_id` cannot be an id); no_space.
 */
DVK_INLINE int dvk_grant_indirect(struct dvk_table* table, dvk_endpoint owner, dvk_endpoint grantee, dvk_endpoint from,
                                  dvk_grant_id from_id, uint64_t offset, uint64_t length, unsigned access,
                                  dvk_grant_id* id) {
  struct dvk_slot* self;
  struct dvk_slot* other;
  struct dvk_grant* grant;
  int result = dvk_grant_enter(table, owner, grantee, &self);
  if (result == DVK_E_ok) result = dvk_resolve(table, from, &other);
  if (result == DVK_E_ok) result = dvk_grant_range(offset, length, access);
  if (result != DVK_E_ok) return result;
  if (from_id < 0 || (uint32_t)from_id % DVK_GRANT_INDEX_SIZE >= table->limits.grants) return DVK_E_not_granted;
  result = dvk_grant_new(table, self, DVK_GRANT_indirect, grantee, &grant, id);
  if (result != DVK_E_ok) return result;
  grant->other = from;
  grant->other_id = from_id;
  grant->address = offset;
  grant->length = length;
  grant->access = access;
  return DVK_E_ok;
}

/**
 * Grants memory of the process @p whose to @p grantee: for servers that are trusted with the memory of their clients.
 * @return as dvk_grant_direct(); also no_privilege (the caller is a user process or lacks the call magic_grant);
 *         range, bad_endpoint, bad_process (of `whose`).
 */
DVK_INLINE int dvk_grant_magic(struct dvk_table* table, dvk_endpoint owner, dvk_endpoint whose, dvk_endpoint grantee,
                               uint64_t address, uint64_t length, unsigned access, dvk_grant_id* id) {
  struct dvk_slot* self;
  struct dvk_slot* other;
  struct dvk_grant* grant;
  int result = dvk_grant_enter(table, owner, grantee, &self);
  if (result != DVK_E_ok) return result;
  if (!dvk_is_system(table, dvk_index_of(table, self)) || !(self->calls >> DVK_CALL_magic_grant & 1)) {
    return DVK_E_no_privilege;
  }
  result = dvk_find_bound(table, whose, &other);
  if (result == DVK_E_ok) result = dvk_grant_range(address, length, access);
  if (result == DVK_E_ok) result = dvk_grant_new(table, self, DVK_GRANT_magic, grantee, &grant, id);
  if (result != DVK_E_ok) return result;
  grant->other = whose;
  grant->address = address;
  grant->length = length;
  grant->access = access;
  return DVK_E_ok;
}

/** Frees an entry of @p owner under a new sequence. Private. */
DVK_INLINE void dvk_grant_end(struct dvk_table* table, struct dvk_slot* owner, int32_t index) {
  struct dvk_grant* grant = dvk_grant_at(table, index);
  dvk_grant_unlink(table, owner, index);
  grant->kind = DVK_GRANT_free;
  grant->sequence = (grant->sequence + 1) % DVK_GRANT_SEQUENCES;
  dvk_grant_append_free(table, index);
}

/** Ends all grants of a process. Private. */
DVK_INLINE void dvk_grants_end(struct dvk_table* table, struct dvk_slot* owner) {
  while (owner->grants >= 0) dvk_grant_end(table, owner, owner->grants);
}

/** Revokes a grant of the caller. @return 0; not_bound; not_granted (it has no such grant, or no longer). */
DVK_INLINE int dvk_grant_revoke(struct dvk_table* table, dvk_endpoint owner, dvk_grant_id id) {
  struct dvk_slot* self;
  if (dvk_find_bound(table, owner, &self) != DVK_E_ok) return DVK_E_not_bound;
  if (dvk_grant_find(table, owner, id) == NULL) return DVK_E_not_granted;
  dvk_grant_end(table, self, id % DVK_GRANT_INDEX_SIZE);
  return DVK_E_ok;
}

/** Where the bytes of a grant are. */
struct dvk_memory {
  dvk_endpoint owner;   /**< whose memory; bound */
  uint64_t address;     /**< in it; if the grant is of another node: the offset in that grant */
  int32_t node;         /**< where the last grant of the chain was made, if on another node; otherwise #DVK_HERE */
  dvk_grant_id grant;   /**< on another node: that grant, which is tested there ... */
  dvk_endpoint grantee; /**< ... and for whom */
  uint32_t depth;       /**< how often it was passed on since */
};

/** Finds a process whose memory or grant is used: 0, range, bad_endpoint, or the error @p died. Private. */
DVK_INLINE int dvk_grant_party(const struct dvk_table* table, dvk_endpoint endpoint, int died, struct dvk_slot** slot) {
  const int result = dvk_find_bound(table, endpoint, slot);
  return result == DVK_E_bad_process ? died : result;
}

/**
 * Tells whether @p grantee may now use @p length bytes from @p offset on of the grant @p id that @p granter gave it,
 * and which bytes they are. To be asked where the granter is, for every copy. Grants of processes of other nodes are
 * not known here: a chain is followed up to the first of them.
 *
 * @param access #DVK_READ (the bytes are copied from), #DVK_WRITE (into), or both
 * @param depth how often it was passed on before it came to this node; 0 if the grantee is here
 * @return 0 and the memory; #DVK_BLOCKED (its process is held for a migration); not_bound (the grantee); bad_argument
 * (access); range, bad_endpoint (no such granter, or stale); source_died (reading) or destination_died (writing) if the
 * granter, or who granted to it, or the process whose memory it is, is gone; not_granted (revoked, not for the grantee,
 * or other access); loop (passed on more than #DVK_GRANT_DEPTH_MAX times); range (the bytes are not all inside the
 * grant).
 */
DVK_INLINE int dvk_grant_check(const struct dvk_table* table, dvk_endpoint granter, dvk_endpoint grantee,
                               dvk_grant_id id, uint64_t offset, uint64_t length, unsigned access, uint32_t depth,
                               struct dvk_memory* memory) {
  const int died = access & DVK_WRITE ? DVK_E_destination_died : DVK_E_source_died;
  const struct dvk_grant* grant;
  struct dvk_slot* party;
  int result;
  if (dvk_find_bound(table, grantee, &party) != DVK_E_ok) return DVK_E_not_bound;
  result = dvk_grant_range(0, length, access);
  if (result != DVK_E_ok) return result;
  for (;; ++depth) {
    result = dvk_grant_party(table, granter, died, &party);
    if (result != DVK_E_ok) return result;
    if (party->node != DVK_HERE) {
      if (id < 0) return DVK_E_not_granted;
      if (depth > DVK_GRANT_DEPTH_MAX) return DVK_E_loop;
      memory->depth = depth;
      memory->owner = granter;
      memory->address = offset;
      memory->node = party->node;
      memory->grant = id;
      memory->grantee = grantee;
      return DVK_E_ok;
    }
    grant = dvk_grant_find(table, granter, id);
    if (grant == NULL || (grant->grantee != grantee && grant->grantee != DVK_ANY)) return DVK_E_not_granted;
    if ((grant->access & access) != access) return DVK_E_not_granted;
    if (offset > grant->length || length > grant->length - offset) return DVK_E_range;
    if (grant->kind != DVK_GRANT_indirect) break;
    if (depth >= DVK_GRANT_DEPTH_MAX) return DVK_E_loop;
    offset += grant->address;
    grantee = granter;
    granter = grant->other;
    id = grant->other_id;
  }
  memory->owner = grant->kind == DVK_GRANT_magic ? grant->other : granter;
  memory->address = grant->address + offset;
  memory->node = DVK_HERE;
  memory->grant = DVK_NO_GRANT;
  memory->grantee = DVK_NONE;
  memory->depth = depth;
  /* Of a magic grant the process may have gone, and its slot may have another owner: then it has no such memory. */
  if (dvk_grant_party(table, memory->owner, died, &party) != DVK_E_ok) return died;
  return dvk_is_held(party) ? (int)DVK_BLOCKED : DVK_E_ok;
}

#endif
