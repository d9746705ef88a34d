namespace Formation.Inference.Kernels.MachineCode;

/// <summary>When a conditional jump is taken, by the number in its instruction. The unsigned comparisons are Below and Above.</summary>
internal enum Condition : byte
{
    Below = 0x2,
    AboveOrEqual = 0x3,
    Equal = 0x4,
    NotEqual = 0x5,
    BelowOrEqual = 0x6,
    Above = 0x7,
    Less = 0xC,
    GreaterOrEqual = 0xD,
    LessOrEqual = 0xE,
    Greater = 0xF,
}
