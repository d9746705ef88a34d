namespace Formation.Inference.Engine.Tokenization.Merging;

/// <summary>A stretch of text that is one token so far, in a list of neighbours.</summary>
internal struct Symbol
{
    /// <summary>First byte in the text.</summary>
    public int Start;

    /// <summary>Bytes; 0 after the symbol on the left swallowed this one.</summary>
    public int Length;

    /// <summary>Token id, or -1 where the stretch is no token.</summary>
    public int Id;

    /// <summary>Index of the neighbour on the left, or -1.</summary>
    public int Previous;

    /// <summary>Index of the neighbour on the right, or -1.</summary>
    public int Next;

    /// <summary>Priority of merging with the neighbour on the right; a queued merge with another priority is out of date.</summary>
    public int Priority;

    /// <summary>Token id that this merge gives.</summary>
    public int Product;
}
