namespace Formation.Inference.WideAreaNetwork.Links;

/// <summary>What went over one direction of the way between two nodes so far.</summary>
/// <param name="Packets">Packets delivered.</param>
/// <param name="Bytes">Their bytes, IP headers included.</param>
/// <param name="Overflowed">Packets dropped because the queue was full.</param>
/// <param name="Lost">Packets lost by chance.</param>
/// <param name="Cut">Packets dropped because the link was cut.</param>
/// <param name="Refused">Attempts to open a connection to a node that nobody can dial.</param>
public readonly record struct LinkTraffic(long Packets, long Bytes, long Overflowed, long Lost, long Cut, long Refused);
