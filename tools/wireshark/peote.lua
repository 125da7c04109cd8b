-- SPDX-License-Identifier: MIT OR Apache-2.0
-- A Wireshark dissector for the joint protocol. Names are those of docs/PROTOCOL.md, and numbers in
-- brackets are its sections. README.md beside this file says how to install and use it.

local peote = Proto("peote", "Joint protocol (peote-net)")

peote.prefs.port = Pref.uint("TCP port", 7680, "The relay's port; over it there may be WebSocket, too")
peote.prefs.payload = Pref.enum("Payload", 1, "What is inside the data of channels", {
  { 1, "Chunks", 1 }, { 2, "Chunks with remote procedure calls", 2 }, { 3, "Data", 3 },
}, false)
peote.prefs.chunk_max = Pref.uint("Maximum chunk size", 32768, "Of all channels; the wire does not tell it [6.1]")

local COMMANDS = {
  [0] = "create", "enter", "leave", "delete", "remove", "block",
  "hello", "words", "grant", "admit", "refuse", "leave out", -- [11.4 to 11.8]
}
local EVENTS = {
  [0] = "user entered", "user gone", "channel gone",
  "hello", "user knocks", "grant", "raised", -- [11.4 to 11.7]
  [255] = "keepalive",
}
local ITEMS = { "what is in force", "keepalive", "program", "part of a token", "end of a token", "window", "come back in" } -- [11.4]
local STATUS = { [0] = "success", "refused" }
local REASONS = { [0] = "on purpose", "connection lost", "removed", "did not take" }
local MODES = { [0] = "all but one", "all", "all that are not left out", "those but one" } -- [3.4, 11.8]
local CODES = {
  [0] = { "too many own channels", "name in use" },
  [1] = { "no such channel", "own channel", "already entered", "channel full", "too many channels", "blocked", "refused", "no answer" },
}

local f = {
  unit = ProtoField.string("peote.unit", "Unit"),
  command = ProtoField.uint8("peote.command", "Command", base.DEC, COMMANDS),
  tag = ProtoField.uint8("peote.tag", "Tag"),
  length = ProtoField.uint8("peote.length", "Length (n)"),
  name = ProtoField.bytes("peote.name", "Channel name"),
  name_text = ProtoField.string("peote.name.text", "Channel name"),
  mode = ProtoField.uint8("peote.mode", "Broadcast mode", base.DEC, MODES),
  size = ProtoField.uint16("peote.size", "Size"),
  own = ProtoField.bool("peote.own", "Own channel"),
  channel = ProtoField.uint8("peote.channel", "Channel"),
  user = ProtoField.uint8("peote.user", "User"),
  payload = ProtoField.bytes("peote.payload", "Payload"),
  event = ProtoField.uint8("peote.event", "Event", base.DEC, EVENTS),
  status = ProtoField.uint8("peote.status", "Status", base.DEC, STATUS),
  number = ProtoField.uint8("peote.number", "Number of the channel"),
  code = ProtoField.uint8("peote.code", "Code"),
  reason = ProtoField.uint8("peote.reason", "Reason", base.DEC, REASONS),
  last = ProtoField.bytes("peote.keepalive.last", "Last two bytes"),
  capabilities = ProtoField.uint8("peote.capabilities", "Capabilities", base.HEX),
  removes = ProtoField.bool("peote.capabilities.remove", "Command 4, remove", 8, nil, 1),
  blocks = ProtoField.bool("peote.capabilities.block", "Command 5, remove and block", 8, nil, 2),
  hello = ProtoField.bool("peote.capabilities.hello", "Command 6, hello, and what follows from it", 8, nil, 4),
  offline = ProtoField.bool("peote.capabilities.offline", "No keepalives", 8, nil, 128),
  item = ProtoField.string("peote.item", "Item"),
  item_kind = ProtoField.uint8("peote.item.kind", "Kind", base.DEC, ITEMS),
  item_length = ProtoField.uint8("peote.item.length", "Length"),
  item_bytes = ProtoField.bytes("peote.item.bytes", "Bytes"),
  bits = ProtoField.uint8("peote.item.bits", "Bits", base.HEX),
  part = ProtoField.bool("peote.takes_part", "Takes part", 8, nil, 1),
  interval = ProtoField.uint32("peote.keepalive.interval", "Seconds between two keepalives"),
  program = ProtoField.string("peote.program", "Program"),
  token = ProtoField.bytes("peote.token", "Token"),
  window = ProtoField.uint32("peote.window", "Window"),
  come_back = ProtoField.uint32("peote.come_back", "Come back in milliseconds"),
  words = ProtoField.bytes("peote.words", "Words"),
  ticket = ProtoField.uint8("peote.ticket", "Ticket"),
  flags = ProtoField.uint8("peote.flags", "Flags", base.HEX),
  grant = ProtoField.uint32("peote.grant", "Granted bytes; 0 asks for a grant"),
  send = ProtoField.uint32("peote.raised.send", "May be sent"),
  receive = ProtoField.uint32("peote.raised.receive", "May still come"),
  users = ProtoField.bytes("peote.users", "Users"),
  chunk = ProtoField.bytes("peote.chunk", "Chunk"),
  chunk_length = ProtoField.uint32("peote.chunk.length", "Chunk length"),
  rpc = ProtoField.string("peote.rpc", "Remote procedure call"),
  object = ProtoField.uint8("peote.rpc.object", "Object"),
  procedure = ProtoField.uint8("peote.rpc.procedure", "Procedure"),
  arguments = ProtoField.bytes("peote.rpc.arguments", "Arguments"),
}
for _, field in pairs(f) do table.insert(peote.fields, field) end

local e = {
  malformed = ProtoExpert.new("peote.malformed", "No relay can accept this [3.6]", expert.group.MALFORMED, expert.severity.ERROR),
  violation = ProtoExpert.new("peote.violation", "The sender breaks the rules of chunks [6.2]", expert.group.PROTOCOL, expert.severity.ERROR),
  empty = ProtoExpert.new("peote.empty", "Senders never send this [3.5]", expert.group.PROTOCOL, expert.severity.WARN),
  unknown = ProtoExpert.new("peote.unknown", "Passed over by its length [4.9]", expert.group.UNDECODED, expert.severity.NOTE),
}
for _, one in pairs(e) do table.insert(peote.experts, one) end

local http = Dissector.get("http")

-- What is known of a connection, and of each dissection that was done once: a packet can be
-- dissected again at any time and in any order, and has to look the same.
local connections, calls

function peote.init()
  connections, calls = {}, {}
end

-- Connections ------------------------------------------------------------------------------------

local function new_direction()
  -- `rest`: bytes of WebSocket messages that are no whole unit yet. `chunks`: by party.
  -- `fresh`: a hello still counts. `part`: one has counted, so modes 2 and 3 have a meaning of their own.
  return { rest = ByteArray.new(), chunks = {}, malformed = false, fresh = true, part = false }
end

-- In the first of two passes fields such as tcp.stream are not there, so addresses tell connections
-- apart. A port that is used again is the same connection here.
local function connection_of(pinfo)
  local from = tostring(pinfo.src) .. ":" .. pinfo.src_port
  local to = tostring(pinfo.dst) .. ":" .. pinfo.dst_port
  local key = from < to and from .. " " .. to or to .. " " .. from
  local connection = connections[key]
  if not connection then
    -- An endpoint speaks first [1.1].
    local relay_port = pinfo.dst_port
    if pinfo.src_port == peote.prefs.port and pinfo.dst_port ~= peote.prefs.port then relay_port = pinfo.src_port end
    connection = { relay_port = relay_port, asked = {}, names = { own = {}, entered = {} } }
    connection.up, connection.down = new_direction(), new_direction()
    connections[key] = connection
  end
  return connection, pinfo.dst_port == connection.relay_port
end

-- The record of this call: made at the first time, found again later.
local function call_of(pinfo, bytes, to_relay)
  local start = bytes:subset(0, math.min(bytes:len(), 24)):tohex()
  local key = table.concat({ pinfo.number, to_relay and ">" or "<", bytes:len(), start }, ":")
  local known = calls[key]
  if not pinfo.visited then
    known = known or { next = 1 }
    calls[key] = known
    local call = { first = true }
    table.insert(known, call)
    return call
  end
  if not known then return { first = true } end
  local call = known[known.next]
  known.next = known.next % #known + 1
  call.first = false
  return call
end

-- Chunks [6] -------------------------------------------------------------------------------------

local function length_bytes(max)
  if max <= 256 then return 1 end
  if max <= 32768 then return 2 end
  if max <= 4194304 then return 3 end
  if max <= 536870912 then return 4 end
  return 5
end

-- The length at the start of these bytes and how many bytes it takes; nil if it is cut; or a text
-- that says what is wrong with it.
local function chunk_length(bytes)
  local allowed, code, factor = length_bytes(peote.prefs.chunk_max), 0, 1
  for at = 0, allowed - 1 do
    if at == bytes:len() then return nil end
    local byte = bytes:get_index(at)
    if at > 0 and byte == 0 then return "an overlong length" end
    if at == allowed - 1 or byte < 128 then
      local length = code + byte * factor + 1
      if length > peote.prefs.chunk_max then return "a chunk of " .. length .. " bytes, above the maximum" end
      return length, at + 1
    end
    code = code + (byte - 128) * factor
    factor = factor * 128
  end
end

-- What the payload of one unit completes.
local function chunks_of(direction, party, payload)
  local state = direction.chunks[party] or { pending = ByteArray.new() }
  direction.chunks[party] = state
  local found = {}
  if state.malicious then return found end
  local bytes = state.pending
  local before = bytes:len()
  bytes:append(payload)
  local at = 0
  while at < bytes:len() do
    local length, head = chunk_length(bytes:subset(at, math.min(5, bytes:len() - at)))
    if type(length) == "string" then
      state.malicious = true
      table.insert(found, { violation = length })
      break
    end
    if not length or at + head + length > bytes:len() then break end
    local chunk = { bytes = bytes:subset(at + head, length) }
    -- where it lies in this unit's payload, if it does
    if at + head >= before then chunk.at = at + head - before end
    table.insert(found, chunk)
    at = at + head + length
  end
  state.pending = at < bytes:len() and bytes:subset(at, bytes:len() - at) or ByteArray.new()
  return found
end

-- A number has a new holder: what came of the former one is of no meaning. Without `user`, all of
-- the channel.
local function forget_chunks(connection, channel, user)
  for _, direction in ipairs({ connection.up, connection.down }) do
    for party in pairs(direction.chunks) do
      local whose = channel .. "/"
      if user and party == whose .. user or not user and party:sub(1, #whose) == whose then
        direction.chunks[party] = nil
      end
    end
  end
end

local function show_rpc(range, item)
  local call = item:add(f.rpc, range, range:len() == 1 and "offer" or "call")
  call:add(f.object, range(0, 1))
  if range:len() > 1 then
    call:add(f.procedure, range(1, 1))
    if range:len() > 2 then call:add(f.arguments, range(2)) end
  end
end

local function show_chunks(found, payload, item)
  for _, chunk in ipairs(found) do
    if chunk.violation then
      item:add_proto_expert_info(e.violation, "The sender breaks the rules of chunks: " .. chunk.violation .. " [6.2]")
    else
      local range
      if chunk.at then
        range = payload(chunk.at, chunk.bytes:len())
      else
        range = chunk.bytes:tvb("Chunk"):range()
      end
      local shown = item:add(f.chunk, range)
      shown:add(f.chunk_length, range, range:len()):set_generated()
      if peote.prefs.payload == 2 then show_rpc(range, shown) end
    end
  end
end

-- Units ------------------------------------------------------------------------------------------

-- The size field of data at `at` [2.2]: the size and its length, or nil.
local function size_at(tvb, at)
  if at >= tvb:len() then return nil end
  local first = tvb(at, 1):uint()
  if first < 128 then return first, 1 end
  if at + 1 >= tvb:len() then return nil end
  return (first - 128) * 256 + tvb(at + 1, 1):uint(), 2
end

-- How long the unit at `at` is, or nil if that cannot be told yet.
local function unit_length(tvb, at, to_relay)
  local left = tvb:len() - at
  local first = tvb(at, 1):uint()
  if first == 0 then
    local head = to_relay and 4 or 2
    if left < head then return nil end
    return head + tvb(at + head - 1, 1):uint()
  end
  local prefix = 0
  if to_relay and first == 1 then
    if left < 3 then return nil end
    prefix = 2
    -- a prefix in front of a command is wrong whatever follows [3.6]
    if tvb(at + 2, 1):uint() == 0 then return 3 end
  end
  local size, field = size_at(tvb, at + prefix)
  if not size then return nil end
  -- so is one in front of an entered channel's data, as soon as the channel byte is there
  if prefix > 0 and size > 0 and left > prefix + field and tvb(at + prefix + field, 1):uint() < 128 then
    return prefix + field + 1
  end
  return prefix + field + size
end

local function show_name(item, name)
  if name and name:len() > 0 then
    item:add(f.name_text, name:raw()):set_generated()
  end
end

-- A channel as data has it: with the top bit for own ones. Returns the number and whether it is own.
local function show_channel(range, item, context)
  local channel = range:uint()
  local own = channel > 127
  item:add(f.own, range, own)
  item:add(f.channel, range, channel % 128)
  local names = own and context.connection.names.own or context.connection.names.entered
  context.record.name = context.record.name or names[channel % 128]
  show_name(item, context.record.name)
  return channel % 128, own
end

-- An own channel where nothing but own ones is meant.
local function show_own(range, item, context)
  item:add(f.channel, range)
  context.record.name = context.record.name or context.connection.names.own[range:uint()]
  show_name(item, context.record.name)
end

local ITEM_FIELDS = { [2] = "interval", [6] = "window", [7] = "come_back" }

-- The items of a hello [11.4]. Returns the bit set and the window, as far as they are there.
local function show_items(range, item)
  local at, bits, window = 0, nil, nil
  while range:len() - at >= 2 do
    local kind, length = range(at, 1):uint(), range(at + 1, 1):uint()
    if at + 2 + length > range:len() then break end
    local shown = item:add(f.item, range(at, 2 + length), ITEMS[kind] or "kind " .. kind)
    shown:add(f.item_kind, range(at, 1))
    shown:add(f.item_length, range(at + 1, 1))
    local bytes = length > 0 and range(at + 2, length) or nil
    if kind == 1 and bytes then
      shown:add(f.bits, bytes(0, 1)):add(f.part, bytes(0, 1))
      bits = bytes(0, 1):uint()
    elseif ITEM_FIELDS[kind] and length >= 4 then
      shown:add_le(f[ITEM_FIELDS[kind]], bytes(0, 4))
      if kind == 6 then window = bytes(0, 4):le_uint() end
    elseif kind == 3 and bytes then
      shown:add(f.program, bytes)
    elseif (kind == 4 or kind == 5) and bytes then
      shown:add(f.token, bytes)
    elseif bytes then
      shown:add(f.item_bytes, bytes)
    end
    at = at + 2 + length
  end
  if at < range:len() then
    item:add(f.payload, range(at))
    item:add_proto_expert_info(e.unknown)
  end
  return bits, window
end

-- Commands of sections 11.4 to 11.8. Returns false if the payload is not theirs.
local function show_new_command(command, payload, item, context)
  local length = payload:len()
  if command == 6 then
    local bits, window = show_items(payload, item)
    if context.first and context.direction.fresh and bits and bits % 2 == 1 and window and window > 0 then
      context.direction.fresh, context.direction.part = false, true
    end
  elseif command == 7 then
    item:add(f.words, payload)
  elseif command == 8 and (length == 5 and payload(0, 1):uint() < 128 or length == 6 and payload(0, 1):uint() > 127) then
    show_channel(payload(0, 1), item, context)
    if length == 6 then item:add(f.user, payload(1, 1)) end
    item:add_le(f.grant, payload(length - 4, 4))
  elseif command == 9 and length == 3 or command == 10 and length >= 4 and length <= 204 then
    show_own(payload(0, 1), item, context)
    item:add(f.user, payload(1, 1))
    item:add(f.ticket, payload(2, 1))
    if command == 10 then
      local code = item:add(f.code, payload(3, 1))
      local text = CODES[1][payload(3, 1):uint()]
      if text then code:append_text(" (" .. text .. ")") end
      if length > 4 then item:add(f.words, payload(4)) end
    end
  elseif command == 11 then
    show_channel(payload(0, 1), item, context)
    if length > 1 then item:add(f.users, payload(1)) end
  else
    return false
  end
  return true
end

local function show_command(tvb, item, context)
  local command, tag, length = tvb(1, 1):uint(), tvb(2, 1):uint(), tvb(3, 1):uint()
  item:add(f.command, tvb(1, 1))
  item:add(f.tag, tvb(2, 1))
  item:add(f.length, tvb(3, 1))
  local payload = length > 0 and tvb(4, length) or nil
  if context.first and command > 1 and command ~= 6 then context.direction.fresh = false end
  if command <= 1 then
    if payload then item:add(f.name, payload) end
    local name = payload and payload:bytes() or ByteArray.new()
    show_name(item, name)
    if context.first then context.connection.asked[tag] = { command = command, name = name } end
  elseif command <= 3 and length == 1 then
    item:add(f.channel, payload)
    local names = command == 3 and context.connection.names.own or context.connection.names.entered
    context.record.name = context.record.name or names[payload:uint()]
    show_name(item, context.record.name)
  elseif command <= 5 and command > 3 and length == 2 then
    item:add(f.channel, payload(0, 1))
    item:add(f.user, payload(1, 1))
  elseif payload and not show_new_command(command, payload, item, context) then
    item:add(f.payload, payload)
  end
  return COMMANDS[command] or "command " .. command
end

local function show_answer(tvb, item, context)
  local length = tvb(1, 1):uint()
  local tag, status, value = tvb(2, 1):uint(), tvb(3, 1):uint(), tvb(4, 1):uint()
  item:add(f.tag, tvb(2, 1))
  item:add(f.status, tvb(3, 1))
  if context.first then
    context.record.asked = context.connection.asked[tag]
    context.connection.asked[tag] = nil
  end
  local asked = context.record.asked
  if status == 0 then
    item:add(f.number, tvb(4, 1))
    if length >= 8 then -- [11.7]
      item:add(f.user, tvb(5, 1))
      item:add_le(f.window, tvb(6, 4))
    end
    if asked and context.first then
      local names = asked.command == 0 and context.connection.names.own or context.connection.names.entered
      names[value] = asked.name
      forget_chunks(context.connection, value + (asked.command == 0 and 128 or 0))
    end
  else
    local code = item:add(f.code, tvb(4, 1))
    local text = asked and CODES[asked.command][value]
    if text then code:append_text(" (" .. text .. ")") end
    if length > 3 then item:add(f.words, tvb(5, length - 3)) end
  end
  if asked then
    item:add(f.command, asked.command):set_generated()
    show_name(item, asked.name)
  end
  return STATUS[status]
end

local function show_event(tvb, item, context)
  local length, event = tvb(1, 1):uint(), tvb(3, 1):uint()
  item:add(f.event, tvb(3, 1))
  local names
  if event == 0 and length >= 4 then
    item:add(f.channel, tvb(4, 1))
    item:add(f.user, tvb(5, 1))
    names = context.connection.names.own
    if context.first then forget_chunks(context.connection, tvb(4, 1):uint() + 128, tvb(5, 1):uint()) end
  elseif event == 1 and length >= 5 then
    item:add(f.channel, tvb(4, 1))
    item:add(f.user, tvb(5, 1))
    item:add(f.reason, tvb(6, 1))
    names = context.connection.names.own
    if context.first then forget_chunks(context.connection, tvb(4, 1):uint() + 128, tvb(5, 1):uint()) end
  elseif event == 2 and length >= 4 then
    item:add(f.channel, tvb(4, 1))
    item:add(f.reason, tvb(5, 1))
    names = context.connection.names.entered
  elseif event == 3 then
    local bits = length > 2 and show_items(tvb(4, length - 2), item)
    -- the relay knows whether the hello counted
    if bits and context.first then context.connection.up.part = bits % 2 == 1 end
  elseif event == 4 and length >= 10 then
    show_own(tvb(4, 1), item, context)
    item:add(f.user, tvb(5, 1))
    item:add(f.ticket, tvb(6, 1))
    item:add(f.flags, tvb(7, 1)):add(f.part, tvb(7, 1))
    item:add_le(f.window, tvb(8, 4))
    if length > 10 then item:add(f.words, tvb(12, length - 10)) end
    if context.first then forget_chunks(context.connection, tvb(4, 1):uint() + 128, tvb(5, 1):uint()) end
  elseif event == 5 and length >= 3 and length >= (tvb(4, 1):uint() > 127 and 8 or 7) then
    local _, own = show_channel(tvb(4, 1), item, context)
    if own then item:add(f.user, tvb(5, 1)) end
    item:add_le(f.grant, tvb(own and 6 or 5, 4))
  elseif event == 6 and length >= 12 then
    show_channel(tvb(4, 1), item, context)
    item:add(f.user, tvb(5, 1))
    item:add_le(f.send, tvb(6, 4))
    item:add_le(f.receive, tvb(10, 4))
  elseif event == 255 then
    -- what is missing counts as 0
    if length >= 3 then item:add(f.last, tvb(4, math.min(2, length - 2))) end
    if length >= 4 and tvb(4, 1):uint() == 0x50 then
      local capabilities = item:add(f.capabilities, tvb(5, 1))
      capabilities:add(f.removes, tvb(5, 1))
      capabilities:add(f.blocks, tvb(5, 1))
      capabilities:add(f.hello, tvb(5, 1))
      capabilities:add(f.offline, tvb(5, 1))
    end
  else
    return nil
  end
  if names then
    context.record.name = context.record.name or names[tvb(4, 1):uint()]
    show_name(item, context.record.name)
  end
  return EVENTS[event]
end

-- Answers and events [4.2, 4.3].
local function show_control(tvb, item, context)
  local length = tvb(1, 1):uint()
  item:add(f.length, tvb(1, 1))
  local kind
  if length >= 2 and tvb(2, 1):uint() == 0 then
    kind = show_event(tvb, item, context)
  elseif length >= 3 and tvb(2, 1):uint() > 0 and tvb(3, 1):uint() <= 1 then
    kind = show_answer(tvb, item, context)
  end
  if not kind then
    if length > 0 then item:add(f.payload, tvb(2, length)) end
    item:add_proto_expert_info(e.unknown)
  end
  return kind or "unknown"
end

-- A name for whose stream of chunks a unit belongs to.
local function party_of(channel, user, mode, part)
  local whose = ""
  if mode == 0 then
    whose = "but "
  elseif mode and part and (mode == 2 or mode == 3) then
    whose = mode == 2 and "ready" or "ready but "
  elseif mode then
    whose = "all"
  end
  return channel .. "/" .. whose .. (user or "")
end

-- Data, with its broadcast prefix [3.3, 3.4, 4.6]. `at` is behind the prefix.
local function show_data(tvb, item, context, mode)
  local at = mode and 2 or 0
  if mode then item:add(f.mode, tvb(1, 1)) end
  if mode and tvb(2, 1):uint() == 0 then return "malformed" end
  local size, field = size_at(tvb, at)
  item:add(f.size, tvb(at, field), size)
  at = at + field
  if size == 0 then
    item:add_proto_expert_info(e.empty)
    return "nothing"
  end
  local channel, user = tvb(at, 1):uint(), nil
  local own = channel > 127
  item:add(f.own, tvb(at, 1), own)
  item:add(f.channel, tvb(at, 1), channel % 128)
  if mode and not own then return "malformed" end
  if context.first then context.record.part = context.direction.part end
  -- mode 3 has a user only from an endpoint that takes part [11.8]
  local to_all = mode and mode > 0 and not (mode == 3 and context.record.part)
  at, size = at + 1, size - 1
  if own and not to_all then
    if size == 0 then return context.to_relay and "malformed" or "unknown" end
    user = tvb(at, 1):uint()
    item:add(f.user, tvb(at, 1))
    at, size = at + 1, size - 1
  end
  local names = own and context.connection.names.own or context.connection.names.entered
  context.record.name = context.record.name or names[channel % 128]
  show_name(item, context.record.name)
  if size == 0 then
    item:add_proto_expert_info(e.empty)
  else
    item:add(f.payload, tvb(at, size))
    if peote.prefs.payload ~= 3 then
      if context.first then
        local party = party_of(channel, user, mode, context.record.part)
        context.record.chunks = chunks_of(context.direction, party, tvb(at, size):bytes())
      end
      show_chunks(context.record.chunks or {}, tvb(at, size), item)
    end
  end
  if not mode then return "data" end
  return context.record.part and (mode == 2 or mode == 3) and "broadcast to those not left out" or "broadcast"
end

-- Shows a whole unit. Returns its kind.
local function show_unit(tvb, tree, context)
  local item = tree:add(f.unit, tvb:range(), "")
  local first, kind = tvb(0, 1):uint(), nil
  if first == 0 then
    kind = context.to_relay and show_command(tvb, item, context) or show_control(tvb, item, context)
  else
    kind = show_data(tvb, item, context, context.to_relay and first == 1 and tvb(1, 1):uint() or nil)
    if context.first then context.direction.fresh = false end
  end
  if kind == "malformed" then item:add_proto_expert_info(e.malformed) end
  item:set_text("Unit: " .. kind)
  return kind
end

-- All whole units of `tvb`. Returns how many bytes they have.
local function show_units(tvb, pinfo, tree, call, connection, direction, to_relay)
  local at, kinds = 0, {}
  call.records = call.records or {}
  while at < tvb:len() and not (call.first and direction.malformed) and not (call.malformed_at == at) do
    local length = unit_length(tvb, at, to_relay)
    if not length or at + length > tvb:len() then break end
    local index = #kinds + 1
    call.records[index] = call.records[index] or {}
    local context = {
      first = call.first, to_relay = to_relay, connection = connection, direction = direction,
      record = call.records[index],
    }
    local kind = show_unit(tvb(at, length):tvb(), tree, context)
    at = at + length
    table.insert(kinds, kind)
    if kind == "malformed" then
      -- a relay closes the connection here [3.6]
      if call.first then direction.malformed = true end
      call.malformed_at = at
    end
  end
  if #kinds > 0 then
    pinfo.cols.info:append((to_relay and " > " or " < ") .. table.concat(kinds, ", "))
  end
  return at
end

-- Transports -------------------------------------------------------------------------------------

local function start(tvb, pinfo, tree, to_relay)
  pinfo.cols.protocol = "peote"
  local item = tree:add(peote, tvb())
  item:append_text(to_relay and ", endpoint to relay" or ", relay to endpoint")
  return item
end

-- Over TCP, Wireshark puts units together that segments have cut.
function peote.dissector(tvb, pinfo, tree)
  local connection, to_relay = connection_of(pinfo)
  if connection.http == nil and to_relay then
    connection.http = tvb(0, 1):uint() == 0x47 -- [9]
  end
  if connection.http then return http:call(tvb:range():tvb(), pinfo, tree) end
  local direction = to_relay and connection.up or connection.down
  if direction.malformed and not pinfo.visited then return tvb:len() end
  local call = call_of(pinfo, tvb:bytes(), to_relay)
  pinfo.cols.info:clear()
  local shown = show_units(tvb, pinfo, start(tvb, pinfo, tree, to_relay), call, connection, direction, to_relay)
  if shown < tvb:len() and not call.malformed_at then
    pinfo.desegment_offset = shown
    pinfo.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
  end
  return tvb:len()
end

-- Borders of WebSocket messages mean nothing [9]: what is left over waits for the next one.
local function websocket(tvb, pinfo, tree)
  local connection, to_relay = connection_of(pinfo)
  local direction = to_relay and connection.up or connection.down
  local bytes = tvb:bytes()
  local call = call_of(pinfo, bytes, to_relay)
  if call.first then call.before = direction.rest end
  local whole = tvb
  if call.before and call.before:len() > 0 then
    local all = call.before:subset(0, call.before:len())
    all:append(bytes)
    bytes = all
    whole = all:tvb("Units")
  end
  local item = start(tvb, pinfo, tree, to_relay)
  local shown = show_units(whole, pinfo, item, call, connection, direction, to_relay)
  if call.first then
    local left = bytes:len() - shown
    direction.rest = left > 0 and bytes:subset(shown, left) or ByteArray.new()
  end
  return tvb:len()
end

local over_websocket = Proto("peote_ws", "Joint protocol (peote-net) over WebSocket")
function over_websocket.dissector(tvb, pinfo, tree)
  return websocket(tvb, pinfo, tree)
end

over_websocket:register_heuristic("ws", function(tvb, pinfo, tree)
  if pinfo.src_port ~= peote.prefs.port and pinfo.dst_port ~= peote.prefs.port then return false end
  if tvb:len() == 0 then return false end
  websocket(tvb, pinfo, tree)
  return true
end)

-- Also for "Decode As…".
local ports = DissectorTable.get("tcp.port")
local registered
local function register()
  if registered == peote.prefs.port then return end
  if registered then ports:remove(registered, peote) end
  registered = peote.prefs.port
  ports:add(registered, peote)
end
peote.prefs_changed = register
register()
