namespace Formation.Inference.Node.Heads.Wire;

/// <summary>The end of the work on a request, or of a connection, with its reason for operators.</summary>
readonly record struct EndMessage(EndCode Code, string Reason)
{
    public void Write(MessageWriter writer)
    {
        writer.Number(1, (int)Code);
        writer.Text(2, EventMessage.Cut(Reason));
    }

    public static EndMessage Read(ReadOnlySpan<byte> payload)
    {
        var (code, reason) = (EndCode.Complete, "");
        var reader = new MessageReader(payload);
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: code = (EndCode)reader.Int32("an end's code", 0, int.MaxValue); break;
                case 2: reason = EventMessage.Readable(reader.Text("a reason", GenerationProtocol.MaxMessageBytes)); break;
            }

        return new EndMessage(code, reason);
    }
}
