/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/**
 * @file
 * Lists of slots and of grants through their own links. Private to the rules.
 */
#ifndef DVS_DVK_LIST_H
#define DVS_DVK_LIST_H

#include <dvs/dvk/table.h>

DVK_INLINE void dvk_list_clear(struct dvk_list* list) { list->head = list->tail = -1; }

/** Appends a slot that is in no list. */
DVK_INLINE void dvk_list_append(const struct dvk_table* table, struct dvk_list* list, struct dvk_slot* slot) {
  const int32_t index = dvk_index_of(table, slot);
  slot->next = -1;
  slot->previous = list->tail;
  if (list->tail < 0) {
    list->head = index;
  } else {
    dvk_at(table, list->tail)->next = index;
  }
  list->tail = index;
}

/** Takes a slot out of the list that it is in. */
DVK_INLINE void dvk_list_remove(const struct dvk_table* table, struct dvk_list* list, struct dvk_slot* slot) {
  if (slot->previous < 0) {
    list->head = slot->next;
  } else {
    dvk_at(table, slot->previous)->next = slot->next;
  }
  if (slot->next < 0) {
    list->tail = slot->previous;
  } else {
    dvk_at(table, slot->next)->previous = slot->previous;
  }
  slot->next = slot->previous = -1;
}

/** Appends a free grant to the free ones: the entry longest free is used first, so that ids stay unlike for long. */
DVK_INLINE void dvk_grant_append_free(struct dvk_table* table, int32_t index) {
  struct dvk_list* list = &table->free_grants;
  struct dvk_grant* grant = dvk_grant_at(table, index);
  grant->next = -1;
  grant->previous = list->tail;
  if (list->tail < 0) {
    list->head = index;
  } else {
    dvk_grant_at(table, list->tail)->next = index;
  }
  list->tail = index;
}

/** Takes the grant longest free; -1 if there is none. */
DVK_INLINE int32_t dvk_grant_take_free(struct dvk_table* table) {
  struct dvk_list* list = &table->free_grants;
  const int32_t index = list->head;
  if (index < 0) return -1;
  list->head = dvk_grant_at(table, index)->next;
  if (list->head < 0) {
    list->tail = -1;
  } else {
    dvk_grant_at(table, list->head)->previous = -1;
  }
  return index;
}

/** Adds a grant to those of its owner. */
DVK_INLINE void dvk_grant_link(const struct dvk_table* table, struct dvk_slot* owner, int32_t index) {
  struct dvk_grant* grant = dvk_grant_at(table, index);
  grant->previous = -1;
  grant->next = owner->grants;
  if (grant->next >= 0) dvk_grant_at(table, grant->next)->previous = index;
  owner->grants = index;
}

/** Takes a grant from those of its owner. */
DVK_INLINE void dvk_grant_unlink(const struct dvk_table* table, struct dvk_slot* owner, int32_t index) {
  const struct dvk_grant* grant = dvk_grant_at(table, index);
  if (grant->previous < 0) {
    owner->grants = grant->next;
  } else {
    dvk_grant_at(table, grant->previous)->next = grant->next;
  }
  if (grant->next >= 0) dvk_grant_at(table, grant->next)->previous = grant->previous;
}

#endif
