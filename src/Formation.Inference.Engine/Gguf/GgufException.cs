namespace Formation.Inference.Engine.Gguf;

/// <summary>A GGUF file that can't be used, and why. Nothing else is thrown for what a file holds.</summary>
/// <param name="kind">What is wrong, for code to decide on.</param>
/// <param name="offset">Byte in the file at which the bad value lies, or -1 where the fault has no place in the file.</param>
/// <param name="message">File, place, value and limit, for a person.</param>
public sealed class GgufException(GgufErrorKind kind, long offset, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    public GgufErrorKind Kind { get; } = kind;

    public long Offset { get; } = offset;
}

/// <summary>What is wrong with a GGUF file. The names are stable.</summary>
public enum GgufErrorKind
{
    /// <summary>No file has this path.</summary>
    FileNotFound,

    /// <summary>The path is a directory or something else that can't be mapped.</summary>
    NotAFile,

    /// <summary>The system refuses to read the file.</summary>
    Unreadable,

    /// <summary>The first four bytes are not "GGUF".</summary>
    NotGguf,

    /// <summary>A version other than 2 and 3.</summary>
    UnsupportedVersion,

    /// <summary>Written for big-endian machines.</summary>
    BigEndian,

    /// <summary>The file ends inside a value, or a count or length is more than the rest of the file can hold.</summary>
    Truncated,

    /// <summary>A count or length above what this reader takes (<see cref="GgufLimits"/>).</summary>
    LimitExceeded,

    /// <summary>A key that is empty or not printable ASCII.</summary>
    InvalidKey,

    /// <summary>A key that occurs twice.</summary>
    DuplicateKey,

    /// <summary>A value type or element type that the format does not have.</summary>
    InvalidValueType,

    /// <summary>A value that its type does not allow, such as a boolean of 2.</summary>
    InvalidValue,

    /// <summary>A string that is not UTF-8.</summary>
    InvalidString,

    /// <summary>An alignment that is not a power of two, too small, too large or of another type.</summary>
    InvalidAlignment,

    /// <summary>A tensor name that is empty or not printable.</summary>
    InvalidTensorName,

    /// <summary>A tensor name that occurs twice.</summary>
    DuplicateTensor,

    /// <summary>A tensor with no or too many dimensions, an empty one, or rows that are not whole blocks.</summary>
    InvalidShape,

    /// <summary>A tensor type that the format does not have, or has no more.</summary>
    UnknownTensorType,

    /// <summary>A tensor that does not start at a multiple of the alignment.</summary>
    MisalignedTensor,

    /// <summary>A tensor that does not lie in the file.</summary>
    TensorOutOfFile,

    /// <summary>Two tensors that share bytes.</summary>
    OverlappingTensors,

    /// <summary>Parts of a split file that do not belong together, or a part under the wrong name.</summary>
    SplitMismatch,

    /// <summary>A part of a split file that is not there.</summary>
    MissingPart,

    /// <summary>A key that the model needs and the file lacks.</summary>
    MissingKey,

    /// <summary>A tensor that the model needs and the file lacks.</summary>
    MissingTensor,

    /// <summary>A value of another type than its key calls for.</summary>
    WrongType,

    /// <summary>A value outside what its key allows.</summary>
    OutOfRange,

    /// <summary>A sound file of an architecture, or with a part, that this engine does not compute.</summary>
    UnsupportedModel,

    /// <summary>Tokens, merges or special ids that contradict each other.</summary>
    InvalidVocabulary,

    /// <summary>A tokenizer or pre-tokenizer that this engine does not have.</summary>
    UnsupportedTokenizer,
}
