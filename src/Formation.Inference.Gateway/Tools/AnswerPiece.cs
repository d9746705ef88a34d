namespace Formation.Inference.Gateway.Tools;

/// <summary>A piece of an answer.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Call">Index of the call that it is of, from 0.</param>
/// <param name="Text">More of a thought, more text, the name of the called tool, or more of its arguments (JSON).</param>
internal readonly record struct AnswerPiece(AnswerPieceKind Kind, int Call, string Text);

/// <summary>What a piece of an answer is.</summary>
internal enum AnswerPieceKind
{
    /// <summary>What the model thinks before it says anything.</summary>
    Thought,

    /// <summary>What the model says.</summary>
    Text,

    /// <summary>A call begins.</summary>
    Call,

    /// <summary>The call goes on.</summary>
    Arguments,
}
